"""The chain that seals the audit log: its links, its export, and what is removed from its beginning."""
