"""Accounts: people who sign in, each in one role."""
