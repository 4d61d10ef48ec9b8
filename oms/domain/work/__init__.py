"""Due work: what must still happen, owned by the database."""
