"""The order aggregate: order, lines, shipments and payments, loaded, decided about and saved as one."""
