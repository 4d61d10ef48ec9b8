"""The order aggregate: order, lines, shipments and payments, loaded, changed and saved as one."""
