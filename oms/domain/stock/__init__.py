"""Stock: what warehouses hold and what is promised of it."""
