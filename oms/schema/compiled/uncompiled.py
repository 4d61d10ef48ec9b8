"""The exception for what has no plan."""


class Uncompiled(Exception):
    """Strawberry executes the operation; the message says why."""
