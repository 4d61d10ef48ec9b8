"""The checker: verifies the rules of the domain in the database. It shares no code with what it checks.

Source of every rule: docs/guides/check.md.
"""
