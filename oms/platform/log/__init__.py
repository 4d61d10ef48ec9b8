"""The log on standard error, and what must not stand in it."""
