"""The first page of support and managers."""
