"""Pages for support."""
