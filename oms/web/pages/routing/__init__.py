"""Declarations of pages, their routes, and the navigation."""
