"""What needs somebody's attention: standstills by their cause, maintenance, what fails in the system, and answers and
tokens that soon run out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import text

from oms.domain.access.permissions import Viewer, require
from oms.domain.audit.chain import store as chain_store
from oms.domain.concept.standstill import Cause
from oms.domain.diagnosis.model import Standstill, Thresholds
from oms.domain.diagnosis.queries import standstills
from oms.domain.diagnosis.vital_signs import ARCHIVER, MAX_TRANSACTION_S, MAX_UNSEALED_S, oldest_transaction_s
from oms.domain.fraud.gate import MAINTENANCE
from oms.domain.tokens.commands import expiring_soon
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
TOKENS_EXPIRE: Final = Cause(
    "TOKENS_EXPIRE",
    wording("access tokens expire soon"),
    wording(
        "Whoever runs the server rotates them (python -m oms token rotate ID); programs with an expired one are"
        " refused."
    ),
)
ARCHIVE_FAILS: Final = Cause(
    "ARCHIVE_FAILS",
    wording("new changes are in no backup, because the archive fails"),
    wording("Whoever runs the server looks into PostgreSQL's log; most often the backup folder's disk is full."),
)
UNSEALED: Final = Cause(
    "UNSEALED",
    wording("entries of the audit log wait to be sealed"),
    wording("Workers seal it every few seconds: see that one runs, and that no transaction stays open."),
)
LONG_TRANSACTION: Final = Cause(
    "LONG_TRANSACTION",
    wording("a transaction of the database stays open"),
    wording(
        "It holds locks and delays live changes: whoever runs the server finds it in pg_stat_activity and ends its"
        " process."
    ),
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


_CLOCK: Final = text("SELECT clock_timestamp()")
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
    """Maintenance first, then each cause by how long it has lasted, the system, and what runs out.

    Raises Refused(FORBIDDEN).
    """
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
    found += await _of_system(db)
    if running_out:
        number, ids = len(running_out), tuple(row.subject_id for row in running_out[:MAX_EXAMPLES])
        found.append(
            Attention(
                ANSWER_RUNS_OUT, ANSWER_RUNS_OUT.remedy, min(number, MAX_COUNTED), number > MAX_COUNTED,
                until=running_out[0].due_at, orders=ids,
            )
        )  # fmt: skip
    if expiring := await expiring_soon(db):
        found.append(
            Attention(TOKENS_EXPIRE, TOKENS_EXPIRE.remedy, len(expiring), until=expiring[0].expires_at)
        )  # fmt: skip
    return found


async def _of_system(db: Database) -> list[Attention]:
    """What the doctor finds in the database, beside what stands still."""
    async with db.reading() as conn:
        archiver = (await conn.execute(ARCHIVER)).one()
        sealing = await chain_store.progress(conn)
        open_s = await oldest_transaction_s(conn)
        now: datetime = (await conn.execute(_CLOCK)).scalar_one()
    found = []
    if archiver.is_on and archiver.is_failing:
        found.append(Attention(ARCHIVE_FAILS, ARCHIVE_FAILS.remedy, 1, since=archiver.last_failed_time))
    if sealing.oldest_s > MAX_UNSEALED_S:
        since = now - timedelta(seconds=sealing.oldest_s)
        found.append(Attention(UNSEALED, UNSEALED.remedy, sealing.waiting, since=since))
    if open_s > MAX_TRANSACTION_S:
        since = now - timedelta(seconds=open_s)
        found.append(Attention(LONG_TRANSACTION, LONG_TRANSACTION.remedy, 1, since=since))
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
