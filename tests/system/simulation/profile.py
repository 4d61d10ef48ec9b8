"""What a seed makes of its history: how many of each fault, and how scarce stock and limits are."""

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from oms.providers.sandbox.rules import SandboxRules
from tests.system.simulation.people import CUSTOMERS

FAULTS: Final = ((4, 3, 3, 3, 1, 2, 3), (2, 8, 1, 8, 0, 0, 2), (8, 0, 4, 4, 1, 1, 1), (0, 0, 0, 8, 1, 4, 8))
"""Weights of: crash, freeze, dead web process, time passing, empty Redis, provider outage, late request."""

HABITS: Final = ((24, 14, 30, 8, 10, 10), (20, 40, 20, 2, 10, 5), (24, 8, 15, 30, 8, 5), (15, 10, 45, 2, 15, 10))
"""Weights of: placing, accepting or cancelling, couriers' moves, managing, repairing, repeating."""


@dataclass(frozen=True, slots=True)
class Profile:
    """Seeds differ in it, so that each of them tries something else thoroughly.

    `slow_share` and `late_commit_share`: of transactions, those that pause at every statement, and only before their
    commit. `continue_share`: how often a process continues past its next pause. `shares`: of provider calls, those that
    succeed, fail, lose their answer, take effect late.
    """

    workers: int
    batch: int
    attempts: int
    slow_share: float
    late_commit_share: float
    continue_share: float
    fault_share: float
    faults: tuple[int, ...]
    habits: tuple[int, ...]
    shares: tuple[float, float, float, float]
    answer_within: timedelta
    units: int
    limit_minor: int
    customers: tuple[str, ...]
    sandbox: SandboxRules

    @classmethod
    def of(cls, chance: random.Random) -> "Profile":
        unreliable = chance.choice((0.0, 0.15, 0.45))
        return cls(
            workers=chance.choice((1, 2, 3)),
            batch=chance.choice((1, 3, 100)),
            attempts=chance.choice((2, 4, 8)),
            slow_share=chance.choice((0.0, 0.1, 0.4)),
            late_commit_share=chance.choice((0.0, 0.2, 0.5)),
            continue_share=chance.choice((0.0, 0.5, 0.8)),
            fault_share=chance.choice((0.02, 0.05, 0.12)),
            faults=chance.choice(FAULTS),
            habits=chance.choice(HABITS),
            shares=(1 - unreliable, unreliable / 3, unreliable / 3, unreliable / 3),
            answer_within=timedelta(seconds=chance.choice((2, 60, 3600))),
            units=chance.choice((3, 8, 30)),
            limit_minor=chance.choice((0, 5_000, 12_000)),
            customers=chance.choice((CUSTOMERS[:1], CUSTOMERS)),
            sandbox=SandboxRules(
                tax_bps=2000, shipping_base_minor=490, decline_rate=0.05, refusal_rate=chance.choice((0.0, 0.15))
            ),
        )
