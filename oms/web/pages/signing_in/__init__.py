"""Signing in and out, and the account page."""
