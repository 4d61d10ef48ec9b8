"""Reading the figures of periods."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import text

from oms.domain.access.permissions import Viewer, require
from oms.domain.figures.model import UNKNOWN, Figures, Measure, Period, figures, known_part
from oms.domain.figures.policy import FiguresPermission
from oms.platform.db import Database, Statement

_COUNTED: Final = text("SELECT known_from, known_until FROM figures_progress WHERE isfinite(known_until)")
# Each period and measure reads one range of the primary key.
_SUMS: Final = Statement(
    f"""
    SELECT p.place, m.measure, f.key, f.amount
    FROM unnest(CAST(:places AS int[]), CAST(:begins AS timestamptz[]), CAST(:ends AS timestamptz[]))
        AS p(place, begins, ends)
    CROSS JOIN unnest(ARRAY[{", ".join(f"'{measure}'" for measure in Measure)}]) AS m(measure)
    CROSS JOIN LATERAL (
        SELECT key, sum(amount)::bigint AS amount FROM figures
        WHERE measure = m.measure AND slot >= p.begins AND slot < p.ends GROUP BY key) AS f
    """  # noqa: S608 - names of measures
)


async def of_periods(db: Database, viewer: Viewer, periods: Sequence[Period]) -> Mapping[Period, Figures]:
    """By period; a sum belongs to the period that its slot begins in. Raises Refused(FORBIDDEN)."""
    require(viewer, FiguresPermission.READ_FIGURES)
    async with db.reading() as conn:
        row = (await conn.execute(_COUNTED)).one_or_none()
    counted = Period(*row) if row else None
    parts = {period: known_part(period, counted) for period in periods}
    sums: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    places = list(range(len(periods)))
    begins, ends = [period.begin for period in periods], [period.end for period in periods]
    for place, *each in await db.rows(_SUMS, places=places, begins=begins, ends=ends):
        sums[place].append((each[0], each[1], each[2]))
    return {
        period: figures(known, sums[place]) if (known := parts[period]) else UNKNOWN
        for place, period in enumerate(periods)
    }
