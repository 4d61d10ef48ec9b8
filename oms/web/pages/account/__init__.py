"""Sign-in, sessions, and the viewer's own account."""
