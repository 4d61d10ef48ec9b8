"""Customers, known by the caller's own number."""
