"""What the audit log records."""

import re
from enum import StrEnum
from typing import Self


class AuditAction(StrEnum):
    """Stable past-tense names, each with what it means. Each concept declares its own; registered names are unique."""

    meaning: str

    def __new__(cls, name: str, meaning: str) -> Self:
        action = str.__new__(cls, name)
        action._value_ = name
        action.meaning = meaning
        return action


def constant_case(name: str) -> str:
    """As the API spells it: SHIPMENT_FAILED for ShipmentFailed."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
