"""HTTP itself: the ASGI application, headers, bounds, rates, metrics."""
