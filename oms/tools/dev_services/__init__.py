"""PostgreSQL and Valkey for development and small shops, and the supervisor that runs everything."""
