"""Orders: placed, allocated, amended, cancelled, closed."""
