"""What needs somebody's attention: standstills by their cause, maintenance, and answers that soon run out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from oms.domain.access.permissions import Viewer, require
from oms.domain.concept.standstill import Cause
from oms.domain.diagnosis.model import Standstill, Thresholds
from oms.domain.diagnosis.queries import standstills
from oms.domain.fraud.gate import MAINTENANCE
from oms.domain.vocabulary.wording import Wording, wording
from oms.domain.work.policy import WorkPermission
from oms.platform.db import Database

MAX_EXAMPLES: Final = 3
MAX_COUNTED: Final = 1_000
SOON: Final = timedelta(hours=1)

ANSWER_RUNS_OUT: Final = Cause(
    "ANSWER_RUNS_OUT",
    wording("the customer's time to answer ends within an hour"),
    wording("Ask the customer to accept the amended order or to cancel it; at the deadline it times out."),
)


@dataclass(frozen=True, slots=True)
class Attention:
    """`since`: of the one that waits longest. `until`: when the first runs out by itself. `orders`: the oldest few."""

    cause: Cause
    remedy: Wording
    count: int
    is_more: bool = False
    since: datetime | None = None
    until: datetime | None = None
    orders: tuple[UUID, ...] = ()


# Each count reads a bounded part of an index of open work.
_MAINTENANCE: Final = text(
    """
    SELECT s.updated_at, (SELECT count(*) FROM (SELECT FROM work WHERE held LIMIT :limit) w) AS held
    FROM fraud_settings s WHERE s.id = 1 AND s.maintenance
    """
)
_RUNNING_OUT: Final = text(
    """
    SELECT subject_id, due_at FROM work
    WHERE queue = 'deadlines' AND parked_at IS NULL AND NOT held
      AND due_at > statement_timestamp() AND due_at < statement_timestamp() + :soon
    ORDER BY due_at LIMIT :limit
    """
)


async def attention(db: Database, viewer: Viewer) -> list[Attention]:
    """Maintenance first, then each cause by how long it has lasted, then what runs out. Raises Refused(FORBIDDEN)."""
    require(viewer, WorkPermission.READ_OPERATIONS)
    async with db.reading() as conn:
        maintenance = (await conn.execute(_MAINTENANCE, {"limit": MAX_COUNTED + 1})).one_or_none()
        running_out = (await conn.execute(_RUNNING_OUT, {"soon": SOON, "limit": MAX_COUNTED + 1})).all()
    found = by_cause((await standstills(db, Thresholds())).standstills)
    if maintenance:
        found = [each for each in found if each.cause != MAINTENANCE.cause]
        held = maintenance.held
        found.insert(
            0,
            Attention(
                MAINTENANCE.cause, MAINTENANCE.cause.remedy, min(held, MAX_COUNTED), held > MAX_COUNTED,
                maintenance.updated_at,
            ),
        )  # fmt: skip
    if running_out:
        number, ids = len(running_out), tuple(row.subject_id for row in running_out[:MAX_EXAMPLES])
        found.append(
            Attention(
                ANSWER_RUNS_OUT, ANSWER_RUNS_OUT.remedy, min(number, MAX_COUNTED), number > MAX_COUNTED,
                until=running_out[0].due_at, orders=ids,
            )
        )  # fmt: skip
    return found


def by_cause(standing: Iterable[Standstill]) -> list[Attention]:
    """`standing`: the longest first. Of each cause, how many and which orders stand longest."""
    groups: dict[Cause, list[Standstill]] = {}
    for standstill in standing:
        groups.setdefault(standstill.cause, []).append(standstill)
    return [_grouped(cause, of_cause) for cause, of_cause in groups.items()]


def _grouped(cause: Cause, standing: list[Standstill]) -> Attention:
    number = len(standing)
    orders = dict.fromkeys(each.subject.order_id for each in standing if each.subject.order_id)
    return Attention(
        cause, standing[0].remedy, min(number, MAX_COUNTED), number >= MAX_COUNTED, standing[0].since,
        orders=tuple(orders)[:MAX_EXAMPLES],
    )  # fmt: skip
