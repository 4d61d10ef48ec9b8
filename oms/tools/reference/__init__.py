"""Prints the generated pages of docs/reference."""
