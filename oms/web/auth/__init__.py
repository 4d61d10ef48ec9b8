"""Who is calling: sessions, tokens, OpenID Connect, and protection against forged requests."""
