"""Due work in PostgreSQL: written with the state that calls for it, claimed in batches under a lease."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, Final, Self
from uuid import UUID, uuid4

from sqlalchemy import text

from oms.domain.concept.registry import registered
from oms.domain.concept.work import Due, Gate, Step
from oms.domain.work.model import MAX_BACKOFF_S, WorkKey
from oms.platform.db import Database, Statement, Tx, columns, statement

ALIVE: Final = "seen_at > statement_timestamp() - interval '5 seconds'"
"""SQL condition: a worker that is alive. It writes a heartbeat every second."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One item under a lease."""

    key: WorkKey
    step: Step
    attempt: int
    suspect: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """The items of one claim. `token` identifies the claim."""

    queue: str
    token: UUID
    items: tuple[Claimed, ...]

    @property
    def keys(self) -> frozenset[WorkKey]:
        return frozenset(item.key for item in self.items)

    @property
    def subject_ids(self) -> frozenset[UUID]:
        return frozenset(item.key.subject_id for item in self.items)

    def only(self, items: Iterable[Claimed]) -> Self:
        """Some of its items, under the same claim."""
        return replace(self, items=tuple(items))


_KEYS: Final = ("subjects", "parts", "queues")
_NEW: Final = ("new_subjects", "new_parts", "new_queues", "new_steps", "new_due")
_GIVEN: Final = """
    unnest(CAST(:subjects AS uuid[]), CAST(:parts AS int[]), CAST(:queues AS text[])) AS t(subject_id, part, queue)
"""
_SAME_KEY: Final = "work.subject_id = t.subject_id AND work.part = t.part AND work.queue = t.queue"
# An item that was due keeps its instant and thus its place in the index, which makes the new version of its row cheap.
_ADJUST: Final = Statement(
    f"""
    WITH gone AS (DELETE FROM work USING {_GIVEN} WHERE {_SAME_KEY})
    INSERT INTO work (subject_id, part, queue, step, due_at)
    SELECT subject_id, part, queue, step, coalesce(due_at, clock_timestamp())
    FROM unnest(CAST(:new_subjects AS uuid[]), CAST(:new_parts AS int[]), CAST(:new_queues AS text[]),
                CAST(:new_steps AS text[]), CAST(:new_due AS timestamptz[]))
        AS t(subject_id, part, queue, step, due_at)
    ON CONFLICT (subject_id, part, queue) DO UPDATE
    SET step = excluded.step, due_at = CASE WHEN excluded.due_at > clock_timestamp() THEN excluded.due_at
                                            ELSE least(work.due_at, excluded.due_at) END,
        attempt = 0, suspect = false, held = false, parked_at = NULL, last_error = NULL
    """  # noqa: S608 - constants of this module
)


async def adjust(tx: Tx, before: Iterable[Mapping[WorkKey, Due]], now: Iterable[Mapping[WorkKey, Due]]) -> None:
    """Writes the difference between the work due before and now. An item that stays due keeps its claim."""
    gone: list[WorkKey] = []
    new: dict[WorkKey, Due] = {}
    for old, current in zip(before, now, strict=True):
        gone.extend(key for key in old if key not in current)
        new.update({key: due for key, due in current.items() if old.get(key) != due})
    if gone or new:
        rows = [(key.subject_id, key.part, key.queue, str(due.step), due.at) for key, due in new.items()]
        await tx.run(_ADJUST, **_columns(gone), **columns(_NEW, rows))
        tx.changes.queues |= {key.queue for key, due in new.items() if due.at is None}


def _columns(keys: Iterable[WorkKey]) -> dict[str, Sequence[Any]]:
    return columns(_KEYS, [(key.subject_id, key.part, key.queue) for key in keys])


# statement_timestamp() and not clock_timestamp(): only what is fixed for the statement can bound an index scan.
# Suspects are claimed one at a time: of many in one claim, the last would outlive their lease and be taken over by
# another worker with as many, endlessly.
_CLAIM: Final = Statement(
    """
    WITH fine AS (
        SELECT subject_id, part, queue FROM work
        WHERE queue = :queue AND parked_at IS NULL AND NOT held AND due_at <= statement_timestamp()
          AND NOT suspect AND claim IS NULL
        ORDER BY due_at LIMIT :limit FOR UPDATE SKIP LOCKED),
    suspects AS (
        SELECT subject_id, part, queue FROM work
        WHERE queue = :queue AND parked_at IS NULL AND NOT held AND due_at <= statement_timestamp()
          AND (suspect OR claim IS NOT NULL)
          AND (leased_until IS NULL OR leased_until < statement_timestamp())
        ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    UPDATE work SET claim = :claim, leased_until = clock_timestamp() + CAST(:lease AS interval),
                    attempt = work.attempt + 1, suspect = work.suspect OR work.claim IS NOT NULL
    FROM (TABLE fine UNION ALL TABLE suspects) AS due
    WHERE work.subject_id = due.subject_id AND work.part = due.part AND work.queue = due.queue
    RETURNING work.subject_id, work.part, work.step, work.attempt, work.suspect
    """
)


async def claim(source: Tx | Database, queue: str, *, limit: int, lease: timedelta) -> Batch:
    """Claims due items without a claim, and one suspect. An item whose lease ended unfinished is suspect, too."""
    token = uuid4()
    steps = registered().work_kinds[queue].steps
    found = await source.rows(_CLAIM, claim=token, queue=queue, limit=limit, lease=lease)
    items = (
        Claimed(WorkKey(subject_id, part, queue), steps(step), attempt, suspect)
        for subject_id, part, step, attempt, suspect in found
    )
    return Batch(queue, token, tuple(items))


_VERIFY: Final = Statement(
    f"""
    SELECT work.subject_id, work.part, work.queue, work.attempt
    FROM work JOIN {_GIVEN} ON {_SAME_KEY}
    WHERE work.claim = :claim FOR UPDATE OF work
    """  # noqa: S608 - constants of this module
)


async def verify_claims(tx: Tx, batch: Batch) -> frozenset[WorkKey]:
    """The items that the claim still covers. A worker that was too slow finds none and must write nothing."""
    return frozenset(await claimed_attempts(tx, batch))


async def claimed_attempts(tx: Tx, batch: Batch) -> dict[WorkKey, int]:
    """The items that the claim still covers, and the number of the present attempt at their present step.

    It is not the attempt that was claimed if the step has changed since: the new step starts with its first.
    """
    found = await tx.rows(_VERIFY, **_columns(batch.keys), claim=batch.token)
    return {WorkKey(subject_id, part, queue): max(1, attempt) for subject_id, part, queue, attempt in found}


_ACK: Final = Statement(
    f"""
    UPDATE work SET claim = NULL, leased_until = NULL,
                    due_at = CASE WHEN attempt > 0 THEN clock_timestamp() + interval '1 second' ELSE due_at END
    FROM {_GIVEN} WHERE {_SAME_KEY} AND claim = :claim
    """  # noqa: S608 - constants of this module
)


async def ack(tx: Tx, batch: Batch, keys: Collection[WorkKey]) -> None:
    """Ends the lease of processed items that are still due. A next step is due at once, with attempt 0.

    An item whose step has not changed is due a second later, so that it is not claimed in a loop.
    """
    if keys:
        await tx.run(_ACK, **_columns(keys), claim=batch.token)


_NACK: Final = Statement(
    f"""
    UPDATE work SET claim = NULL, leased_until = NULL, suspect = suspect OR CAST(:suspect AS boolean),
                    attempt = greatest(0, attempt - 1), due_at = clock_timestamp() + CAST(:delay AS interval)
    FROM {_GIVEN} WHERE {_SAME_KEY} AND claim = :claim
    """  # noqa: S608 - constants of this module
)


async def nack(tx: Tx, batch: Batch, *, delay: timedelta, suspect: bool) -> None:
    """Undoes the claim: the attempt does not count. The caller holds the subjects' locks."""
    await tx.run(_NACK, **_columns(batch.keys), claim=batch.token, delay=delay, suspect=suspect)


_RETRY_LATER: Final = text(
    """
    UPDATE work SET claim = NULL, leased_until = NULL, last_error = :error, suspect = :suspect,
                    attempt = greatest(1, attempt), due_at = clock_timestamp() + :delay,
                    parked_at = CASE WHEN :park THEN clock_timestamp() END
    WHERE subject_id = :subject_id AND part = :part AND queue = :queue AND claim = :claim
    """
)


async def retry_later(
    tx: Tx, batch: Batch, key: WorkKey, *, error: str, delay: timedelta, park: bool, suspect: bool
) -> None:
    """After a failure: due again later, or parked for support."""
    await tx.conn.execute(
        _RETRY_LATER,
        {"subject_id": key.subject_id, "part": key.part, "queue": key.queue, "claim": batch.token}
        | {"error": error, "delay": delay, "park": park, "suspect": suspect},
    )


_HOLD: Final = Statement(_ACK.text.replace("SET claim", "SET held = true, claim"))


async def hold(tx: Tx, batch: Batch, keys: Collection[WorkKey]) -> None:
    """Holds the items until the gate of their kind opens; they are not retried meanwhile."""
    if keys:
        await tx.run(_HOLD, **_columns(keys), claim=batch.token)


async def release_held(source: Tx | Database, queue: str, *, limit: int) -> None:
    """Makes held work of the queue due if its gate is open; does nothing for a kind without a gate."""
    gate = registered().work_kinds[queue].gate
    if gate is not None:
        await source.rows(_release(gate), queue=queue, limit=limit)


@lru_cache
def _release(gate: Gate) -> Statement:
    return statement(
        f"""
        UPDATE work SET held = false, attempt = 0, due_at = clock_timestamp()
        FROM (SELECT subject_id, part, queue FROM work WHERE held AND queue = :queue
              LIMIT :limit FOR UPDATE SKIP LOCKED) AS t
        WHERE {_SAME_KEY} AND {gate.is_open}
        """  # noqa: S608 - constants of the concepts
    )


_UNPARK: Final = text(
    """
    UPDATE work SET parked_at = NULL, attempt = 0, due_at = clock_timestamp()
    WHERE subject_id = :subject_id AND part = :part AND queue = :queue AND parked_at IS NOT NULL
    """
)


async def unpark(tx: Tx, key: WorkKey) -> bool:
    """Makes a parked item due again; False if there is none. The caller holds the subject's lock."""
    values = {"subject_id": key.subject_id, "part": key.part, "queue": key.queue}
    if (await tx.conn.execute(_UNPARK, values)).rowcount == 0:
        return False
    tx.changes.queues.add(key.queue)
    return True


_HEARTBEAT: Final = text(
    """
    INSERT INTO workers (name, queues, listening, failures, seen_at)
    VALUES (:name, CAST(:queues AS text[]), CAST(:listening AS text[]), :failures, clock_timestamp())
    ON CONFLICT (name) DO UPDATE SET queues = excluded.queues, listening = excluded.listening,
                                     failures = excluded.failures, seen_at = excluded.seen_at
    RETURNING old.seen_at IS NULL OR old.seen_at > new.seen_at
    """
)
_GONE: Final = text("DELETE FROM workers WHERE name = :name OR seen_at < statement_timestamp() - interval '1 hour'")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """`listening`: the queues of which it hears wake-ups. `failures`: how often its background tasks failed."""

    name: str
    queues: Collection[str]
    listening: Collection[str]
    failures: int = 0


async def heartbeat(tx: Tx, sign: Heartbeat) -> bool:
    """A worker without a heartbeat for five seconds does not count as alive.

    Returns whether the database's clock may have been set back: its last one is in the future, or this is its first.
    """
    values = {"name": sign.name, "queues": list(sign.queues), "listening": list(sign.listening)}
    return bool((await tx.conn.execute(_HEARTBEAT, values | {"failures": sign.failures})).scalar_one())


# Rows that a transaction holds are skipped: whoever holds them writes a new instant, or a repeat finds them.
_BRING_FORWARD: Final = Statement(
    f"""
    WITH late AS (
        SELECT subject_id, part, queue FROM work
        WHERE parked_at IS NULL AND (
            leased_until > clock_timestamp() + CAST(:lease AS interval)
            OR NOT held AND NOT (queue = ANY(CAST(:with_deadlines AS text[])))
               AND due_at > clock_timestamp()
                   + CASE WHEN attempt > 0 THEN CAST(:longest_delay AS interval) ELSE interval '2 seconds' END)
        FOR UPDATE SKIP LOCKED)
    UPDATE work
    SET leased_until = least(leased_until, clock_timestamp() + CAST(:lease AS interval)),
        due_at = CASE WHEN work.queue = ANY(CAST(:with_deadlines AS text[])) THEN due_at
                      ELSE least(due_at, clock_timestamp()) END
    FROM late AS t WHERE {_SAME_KEY}
    """  # noqa: S608 - constants of this module
)
_IN_FUTURE: Final = Statement("DELETE FROM workers WHERE seen_at > clock_timestamp() + interval '5 seconds'")


async def bring_forward(tx: Tx, *, lease: timedelta) -> int:
    """After the database's clock was set back: work would be due, and leases would end, as much later.

    Makes work due that cannot wait for so long, and ends leases after the given time. Deadlines of people stay the
    instants that they were promised. Safe to repeat. Reads all work. Returns how many items it changed.
    """
    with_deadlines = [kind.queue for kind in registered().work_kinds.values() if kind.waits_for_people]
    await tx.run(_IN_FUTURE)
    longest = timedelta(seconds=MAX_BACKOFF_S)
    return await tx.run(_BRING_FORWARD, lease=lease, with_deadlines=with_deadlines, longest_delay=longest)


async def worker_gone(tx: Tx, name: str) -> None:
    """Removes a worker that stops, and those that died long ago."""
    await tx.conn.execute(_GONE, {"name": name})
