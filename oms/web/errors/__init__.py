"""Error codes, and the refusals of requests as a whole."""
