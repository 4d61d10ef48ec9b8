"""Which work a subject's state calls for. Work is derived from state, so no state is a dead end."""

from typing import Any
from uuid import UUID

from oms.domain.concept.registry import registered
from oms.domain.concept.work import Due
from oms.domain.work.model import WorkKey


def due_work(subject_kind: str, subject_id: UUID, subject: Any) -> dict[WorkKey, Due]:
    """All work of the kinds that concern such subjects."""
    return {
        WorkKey(subject_id, part, kind.queue): due
        for kind in registered().kinds_by_subject[subject_kind]
        for part, due in kind.due(subject).items()
    }
