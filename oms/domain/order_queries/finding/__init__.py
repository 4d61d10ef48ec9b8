"""Finding orders: words of a search, and the rows that filters select."""
