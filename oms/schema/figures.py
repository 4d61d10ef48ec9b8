"""Figures of the shop over a period."""

from datetime import timedelta
from typing import Annotated, Final, Self

import strawberry

from oms.domain.figures import queries
from oms.domain.figures.model import UNKNOWN, Figures, Period, slot_of
from oms.domain.figures.policy import FiguresPermission
from oms.domain.vocabulary.errors import InputReason, refused
from oms.domain.vocabulary.wording import wording
from oms.schema.runtime.context import Info
from oms.schema.runtime.fields import argument, attribute, field, object_type
from oms.schema.runtime.money import Money, money
from oms.schema.runtime.reading.reads import BatchRead
from oms.schema.runtime.scalars import Instant

LONGEST: Final = timedelta(days=92)
PERIOD: Final = 50
"""What a period costs more than a single read: it adds up some hundred rows for each day."""

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
