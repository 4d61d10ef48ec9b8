"""Sessions: that somebody signed in, and until when that counts."""
