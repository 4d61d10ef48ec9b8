"""Outside systems that the shop depends on, behind ports."""
