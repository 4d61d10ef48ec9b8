"""What the audit log records."""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any, Self

Values = Mapping[str, Any]
"""JSON values by name, of an entry's `before` or `after`."""

Choice = Callable[[str, Values, Values], str]
"""Chooses a sentence by the entry's subject, its old and its new values."""


class AuditAction(StrEnum):
    """What was done: a stable name in the past tense, and its meaning. Each concept declares its own; names are unique.

    `sentence`: a wording() that says it, with {who}, {subject}, {order} (its reference), and the entry's values as
    {before_NAME} and {after_NAME}, amounts in minor units also as {before_NAME_money} and {after_NAME_money}; or a
    function that chooses one. Without it, the name and the subject have to do.
    """

    meaning: str
    sentence: "str | Choice"

    def __new__(cls, name: str, meaning: str, sentence: "str | Choice" = "") -> Self:
        action = str.__new__(cls, name)
        action._value_ = name
        action.meaning = meaning
        action.sentence = sentence
        return action


def constant_case(name: str) -> str:
    """As the API spells it: SHIPMENT_FAILED for ShipmentFailed."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()
