"""Reading orders and shipments, as far as the viewer may see."""
