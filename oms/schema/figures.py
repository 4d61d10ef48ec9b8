"""Figures of the shop over a period."""

import asyncio
from datetime import timedelta
from typing import Annotated, Final, Self

import strawberry

from oms.domain.figures import queries, samples
from oms.domain.figures.model import HOUR, UNKNOWN, Figures, Period, hours, slot_of
from oms.domain.figures.policy import FiguresPermission
from oms.domain.vocabulary.errors import InputReason, refused
from oms.domain.vocabulary.wording import wording
from oms.domain.work.policy import WorkPermission
from oms.schema.runtime.context import Info
from oms.schema.runtime.fields import argument, attribute, field, object_type
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.reading.reads import BatchRead
from oms.schema.runtime.scalars import Instant

LONGEST: Final = timedelta(days=92)
PERIOD: Final = 50
"""What a period costs more than a single read: it adds up some hundred rows for each day."""

MOST_HOURS: Final = 25
"""A day, also the one on which clocks go back."""

LONGEST_WATCH: Final = timedelta(hours=24)
SAMPLES: Final = 300
"""What the samples of a period cost: a row for each minute, of each queue."""

FIGURES: Final = BatchRead(queries.of_periods, UNKNOWN)


@object_type(needs=FiguresPermission.READ_FIGURES)
class ShopFigures:
    """Figures of the part of a period that was counted. What was not is unknown, and not zero."""

    known_from: Instant | None = attribute("Null if nothing of the period was counted.")
    known_until: Instant | None = attribute("Workers count the events of orders every few seconds. Null as knownFrom.")
    placed: int | None = attribute("Orders placed; null if unknown.")
    delivered: int | None = attribute("Shipments delivered; null if unknown.")
    taken: list[Money] | None = attribute(
        "Charged less refunded, by when that was settled; one amount for each currency. Null if unknown."
    )
    median_seconds_to_door: float | None = attribute(
        "From placing an order to delivering each of its shipments, over those delivered in the period, right to"
        " 5 %; by full hours. Null if unknown, and if none was delivered."
    )

    @classmethod
    def of(cls, figures: Figures) -> Self:
        known = figures.known
        return cls(
            known_from=Instant(known.begin) if known else None,
            known_until=Instant(known.end) if known else None,
            placed=figures.placed if known else None,
            delivered=figures.delivered if known else None,
            taken=[money(minor, currency) for currency, minor in sorted(figures.taken_minor.items())]
            if known
            else None,
            median_seconds_to_door=figures.door_s,
        )


@object_type(needs=WorkPermission.READ_OPERATIONS)
class QueueSample:
    """A queue of background work at one time."""

    name: str = attribute("The kind of work, e.g. booking.")
    workers: int = attribute("Worker processes that were alive and took its work.")
    backlog: int = attribute("Work that was due and not yet done.")


@object_type(needs=WorkPermission.READ_OPERATIONS)
class OperationsSample:
    """How the system ran at the beginning of a minute. A minute without a sample is unknown: no worker watched it."""

    at: Instant = attribute("The beginning of the minute.")
    queues: list[QueueSample] = attribute("One entry for each queue that there was.")
    completed: int = attribute("Orders closed as COMPLETED in the minute before.")

    @classmethod
    def of(cls, sample: samples.Sample) -> Self:
        queues = [
            QueueSample(name=name, workers=load.workers, backlog=load.backlog) for name, load in sample.queues.items()
        ]
        return cls(at=Instant(sample.at), queues=queues, completed=sample.completed)


@strawberry.type
class Queries:
    """Queries of figures."""

    @field(
        "What happened from begin (inclusive) to end (exclusive), at most 92 days later. Both are moved down to"
        " full quarters of an hour. For managers and support.",
        needs=FiguresPermission.READ_FIGURES,
        costs={"begin": PERIOD},
    )
    async def shop_figures(
        self,
        info: Info,
        begin: Annotated[Instant, argument("Inclusive.")],
        end: Annotated[Instant, argument("Exclusive; at most 92 days after begin.")],
    ) -> ShopFigures:
        period = Period(slot_of(begin), slot_of(end))
        if not timedelta(0) <= period.end - period.begin <= LONGEST:
            message = wording("The period ends after it begins, at most {days} days later.", days=LONGEST.days)
            raise refused(InputReason.OUT_OF_RANGE, message, "end")
        return ShopFigures.of(await info.context.reads.load(FIGURES, period))

    @field(
        "The same for each hour from begin on, the earliest first; the last one may be shorter. For managers and"
        " support.",
        needs=FiguresPermission.READ_FIGURES,
        costs={"begin": PERIOD},
    )
    async def hourly_figures(
        self,
        info: Info,
        begin: Annotated[Instant, argument("Inclusive.")],
        end: Annotated[Instant, argument("Exclusive; at most 25 hours after begin.")],
    ) -> list[ShopFigures]:
        period = Period(slot_of(begin), slot_of(end))
        if not timedelta(0) <= period.end - period.begin <= MOST_HOURS * HOUR:
            message = wording("The period ends after it begins, at most {hours} hours later.", hours=MOST_HOURS)
            raise refused(InputReason.OUT_OF_RANGE, message, "end")
        reads = info.context.reads
        return [ShopFigures.of(each) for each in await asyncio.gather(*(reads.load(FIGURES, h) for h in hours(period)))]

    @field(
        "How the system ran in the minutes from begin to end, the earliest first. Kept for seven days. For managers"
        " and support.",
        needs=WorkPermission.READ_OPERATIONS,
        costs={"begin": SAMPLES},
    )
    async def operations_samples(
        self,
        info: Info,
        begin: Annotated[Instant, argument("Inclusive.")],
        end: Annotated[Instant, argument("Exclusive; at most 24 hours after begin.")],
    ) -> list[OperationsSample]:
        if not timedelta(0) <= end - begin <= LONGEST_WATCH:
            message = wording("The period ends after it begins, at most {hours} hours later.", hours=24)
            raise refused(InputReason.OUT_OF_RANGE, message, "end")
        found = await samples.samples(info.context.db, info.context.viewer, begin, end)
        return [OperationsSample.of(each) for each in found]
