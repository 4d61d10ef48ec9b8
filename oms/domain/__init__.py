"""The business, one folder per concept: model and rules are pure, store is SQL, commands and queries are use cases."""
