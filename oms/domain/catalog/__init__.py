"""The catalogue: products and warehouses."""
