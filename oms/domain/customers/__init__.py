"""Customers, identified by the caller's own customer number."""
