"""What the audit log records."""

from enum import StrEnum


class AuditAction(StrEnum):
    """Stable past-tense names. Each concept declares its own as a subclass; registered names are unique."""
