"""Reference page: the reasons of refusals, and those of declines and failures."""

from typing import Final

from oms.domain.concept.registry import registered
from oms.domain.vocabulary.failures import FailureReason, phrase

_HEAD: Final = """\
# Errors

A mutation that is refused changes nothing and answers with `userErrors { code reason message path }`. The code is the
broad kind, the reason is stable and for programs, the message is for people and says how to correct the request. Other
operations have the same in `errors[].extensions`.
This page is generated: `make docs`.

| concept | reason | code | when |
| --- | --- | --- | --- |
"""
_FAILURES: Final = """
## Why a charge is held or declined, or a shipment fails

The reason of a payment or an event. A provider may have reasons of its own.

| reason | as people read it |
| --- | --- |
"""


def errors_page() -> str:
    rows = [
        f"| {concept.name} | `{reason.name}` | {reason.code} | {reason.when} |\n"
        for concept in registered().concepts
        for enum in concept.reasons
        for reason in enum
    ]
    failures = [f"| `{reason}` | {phrase(reason)} |\n" for reason in FailureReason]
    return _HEAD + "".join(rows) + _FAILURES + "".join(failures)
