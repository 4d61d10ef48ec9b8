"""Reference page: the queues of work, and what makes something stand still."""

from typing import Final

from oms.domain.concept.registry import registered
from oms.domain.concept.work import WorkKind
from oms.domain.diagnosis.causes import causes

_HEAD: Final = """\
# Work

The queues that a worker can serve (`OMS_QUEUES`). Each item of work is a row with the key (subject, part, queue),
written in the transaction of the state that calls for it. A closed gate holds work back without retries.
This page is generated: `make docs`.

| queue | concept | steps | part | gate |
| --- | --- | --- | --- | --- |
"""
_CAUSES: Final = """
## Why something stands still

What `python -m oms doctor`, the start page of support and the metric `oms_standing_still` report.

| cause | meaning | remedy |
| --- | --- | --- |
"""


def work_page() -> str:
    queues = [
        f"| `{kind.queue}` | {concept.name} | {_steps(kind)} | {kind.part or 'the subject itself'} | "
        f"{kind.gate.cause.phrase if kind.gate else '–'} |\n"
        for concept in registered().concepts
        for kind in concept.work
    ]
    known = [f"| `{cause.name}` | {cause.phrase} | {cause.remedy} |\n" for cause in causes()]
    return _HEAD + "".join(queues) + _CAUSES + "".join(known)


def _steps(kind: WorkKind) -> str:
    return ", ".join(f"{step}: {kind.phrases[step].lower()}" for step in kind.steps)
