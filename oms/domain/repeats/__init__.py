"""Repeats: commands sent again with their Idempotency-Key."""
