"""What a plan can't be made for."""


class Uncompiled(Exception):
    """Strawberry executes it; the message says why."""
