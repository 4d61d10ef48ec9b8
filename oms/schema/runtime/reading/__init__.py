"""Reading for one operation: rows that are loaded together, and shared."""
