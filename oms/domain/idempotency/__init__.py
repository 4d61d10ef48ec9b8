"""Commands repeated with their Idempotency-Key."""
