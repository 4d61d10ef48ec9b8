"""Entries of the audit log as sentences. Pure."""

from collections.abc import Mapping
from string import Formatter
from typing import Any, Final

from oms.domain.vocabulary.audit_action import AuditAction, Values
from oms.domain.vocabulary.money import formatted
from oms.domain.vocabulary.wording import Wording, wording

_NOTHING: Final[Mapping[str, Any]] = {}
_UNKNOWN: Final = "–"


def sentence_of(
    action: AuditAction,
    *,
    who: str,
    subject: str,
    order: str | None,
    before: Values | None,
    after: Values | None,
    currency: str,
) -> Wording:
    """`subject` and `order`: their names. Amounts are in the currency that the entry names, else in `currency`.

    A value that the entry lacks is a dash.
    """
    old, new = before or _NOTHING, after or _NOTHING
    template = action.sentence(subject, old, new) if callable(action.sentence) else action.sentence
    if not template:
        return wording("{who}: {action} ({subject})", who=who, action=str(action), subject=subject or _UNKNOWN)
    values: dict[str, object] = {"who": who, "subject": subject or _UNKNOWN, "order": order or _UNKNOWN}
    currency = str(new.get("currency", old.get("currency", currency)))
    for prefix, given in (("before", old), ("after", new)):
        for name, value in given.items():
            values[f"{prefix}_{name}"] = value
            if type(value) is int:
                values[f"{prefix}_{name}_money"] = formatted(value, currency)
    named = [name for _, name, _, _ in Formatter().parse(template) if name]
    return wording(template, **{name: values.get(name, _UNKNOWN) for name in named})
