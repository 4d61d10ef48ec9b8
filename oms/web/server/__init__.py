"""HTTP itself: the ASGI application, headers, limits, metrics."""
