"""People: accounts, passwords and sessions."""
