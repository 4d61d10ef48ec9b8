"""Templates, forms and static files."""
