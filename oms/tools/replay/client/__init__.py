"""The HTTP client of the public API, and what the replay sends."""
