"""All causes of a standstill: the queue's own, and those that the concepts declare."""

from oms.domain.concept.registry import registered
from oms.domain.concept.standstill import Cause
from oms.domain.diagnosis.model import BACKLOG, FAILING, IN_HAND, NO_WORKER, PARKED, WORK_MISSING, WaitingFor


def causes() -> tuple[Cause, ...]:
    """In the order in which they are reported."""
    kinds = registered().work_kinds.values()
    gates = [kind.gate.cause for kind in kinds if kind.gate]
    people = [kind.waits_for_people for kind in kinds if kind.waits_for_people]
    waiting = list(waiting_for().values())
    return tuple(dict.fromkeys([PARKED, *gates, FAILING, NO_WORKER, IN_HAND, BACKLOG, *people, *waiting, WORK_MISSING]))


def waiting_for() -> WaitingFor:
    """What people have to do, by part and status."""
    return {(each.part, str(each.status)): each.cause for concept in registered().concepts for each in concept.waiting}
