"""The report of a replay, as numbers, as a table for people and as JSON for programs."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table

from oms.tools.replay.ledger import FINAL_STATUSES, Ledger

MAX_OPEN_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Report:
    """The results. Rates and percentiles are None if there was nothing to measure."""

    rows_read: int
    no_orders: Mapping[str, int]
    placed: int
    repeated: int
    refused: Mapping[str, int]
    failed: Mapping[str, int]
    examples: Sequence[str]
    lines_read: int
    lines_ordered: int
    lines_of_no_orders: int
    lines_excluded: Mapping[str, int]
    lines_noted: Mapping[str, int]
    split: int
    amended: int
    statuses: Mapping[str, int]
    still_open: Sequence[str]
    customers: Mapping[str, int]
    couriers: Mapping[str, int]
    requests_retried: int
    placing_s: float
    placed_per_s: float | None
    finished_per_s: float | None
    place_ms_p50: float | None
    place_ms_p99: float | None
    booked_ms_p50: float | None
    booked_ms_p99: float | None
    imbalances: Sequence[str]

    @property
    def is_clean(self) -> bool:
        """Whether every order became final, none failed, and all sums hold."""
        return not (self.still_open or self.failed or self.imbalances)

    def as_json(self) -> bytes:
        """All fields, indented."""
        return orjson.dumps(asdict(self) | {"is_clean": self.is_clean}, option=orjson.OPT_INDENT_2) + b"\n"


def report_on(ledger: Ledger, *, statuses_of_open: Mapping[str, str], requests_retried: int) -> Report:
    """The report of a finished replay. `statuses_of_open`: of orders that are not final, by reference."""
    ended_s = ledger.placing_ended_s or ledger.placing_started_s
    placing_s = ended_s - ledger.placing_started_s
    finished_s = ledger.last_finished_s - ledger.placing_started_s
    orders = list(ledger.orders.values())
    final = Counter(order.status for order in orders if order.status is not None)
    finished = sum(not order.is_repeat and order.status not in (None, "TIMED_OUT") for order in orders)
    booked_ms = [
        order.booked_after_ms
        for order in orders
        if order.booked_after_ms is not None and not order.is_repeat and not order.was_amended
    ]
    return Report(
        rows_read=ledger.rows_read,
        no_orders=_by_count(ledger.no_orders),
        placed=ledger.placed,
        repeated=ledger.repeated,
        refused=_by_count(ledger.refused),
        failed=_by_count(ledger.failed),
        examples=ledger.examples,
        lines_read=ledger.lines_read,
        lines_ordered=ledger.lines_ordered,
        lines_of_no_orders=ledger.lines_of_no_orders,
        lines_excluded=_by_count(ledger.lines_excluded),
        lines_noted=_by_count(ledger.lines_noted),
        split=sum(order.shipments_count > 1 for order in orders),
        amended=sum(order.was_amended for order in orders),
        statuses={status: final[status] for status in FINAL_STATUSES},
        still_open=[f"{reference} {status}" for reference, status in sorted(statuses_of_open.items())],
        customers=_by_count(ledger.customers),
        couriers=_by_count(ledger.couriers),
        requests_retried=requests_retried,
        placing_s=round(placing_s, 3),
        placed_per_s=_rate(ledger.placed, placing_s),
        finished_per_s=_rate(finished, finished_s),
        place_ms_p50=percentile(ledger.place_ms, 50),
        place_ms_p99=percentile(ledger.place_ms, 99),
        booked_ms_p50=percentile(booked_ms, 50),
        booked_ms_p99=percentile(booked_ms, 99),
        imbalances=ledger.imbalances(),
    )


def percentile(values: Sequence[float], percent: int) -> float | None:
    """The nearest-rank percentile, rounded to 0.1; None without values."""
    if not values:
        return None
    rank = math.ceil(len(values) * percent / 100)
    return round(sorted(values)[rank - 1], 1)


def print_report(report: Report, console: Console) -> None:
    """Prints a table of all counts, and the problems below it."""
    table = Table(title="Replay", show_header=False, title_justify="left")
    table.add_column(overflow="fold")
    table.add_column(justify="right", no_wrap=True)
    for section in _sections(report):
        for name, value in section:
            table.add_row(name, _shown(value))
        table.add_section()
    console.print(table)
    for example in report.examples:
        console.print(f"not placed: {example}", soft_wrap=True, highlight=False)
    for order in report.still_open[:MAX_OPEN_SHOWN]:
        console.print(f"not final: {order}", soft_wrap=True, highlight=False)
    if len(report.still_open) > MAX_OPEN_SHOWN:
        console.print(f"… and {len(report.still_open) - MAX_OPEN_SHOWN} more that are not final")
    for imbalance in report.imbalances:
        console.print(f"does not add up: {imbalance}", soft_wrap=True, highlight=False)


Rows = Iterator[tuple[str, float | None]]


def _sections(report: Report) -> Iterator[Rows]:
    yield _rows_section(report)
    yield _lines_section(report)
    yield _orders_section(report)
    yield _speed_section(report)


def _rows_section(report: Report) -> Rows:
    yield "rows read", report.rows_read
    yield "  placed", report.placed
    yield "  repeated: placed by an earlier run, or twice in the files", report.repeated
    yield "  refused", sum(report.refused.values())
    yield from _indented(report.refused)
    if report.failed:
        yield "  failed", sum(report.failed.values())
        yield from _indented(report.failed)
    yield "  no orders", sum(report.no_orders.values())
    yield from _indented(report.no_orders)


def _lines_section(report: Report) -> Rows:
    yield "lines read", report.lines_read
    yield "  ordered", report.lines_ordered
    yield from _indented({f"of them {note}": count for note, count in report.lines_noted.items()})
    yield "  on rows that are no orders", report.lines_of_no_orders
    yield "  left out of orders", sum(report.lines_excluded.values())
    yield from _indented(report.lines_excluded)


def _orders_section(report: Report) -> Rows:
    yield from report.statuses.items()
    yield "not final", len(report.still_open)
    yield "split", report.split
    yield "amended", report.amended
    yield from ((f"customers {what}", count) for what, count in report.customers.items())
    yield from ((f"shipments {what}", count) for what, count in report.couriers.items())


def _speed_section(report: Report) -> Rows:
    yield "placing, s", report.placing_s
    yield "orders/s placed", report.placed_per_s
    yield "orders/s finished", report.finished_per_s
    yield "placing request p50, ms", report.place_ms_p50
    yield "placing request p99, ms", report.place_ms_p99
    yield "placed to booked p50, ms", report.booked_ms_p50
    yield "placed to booked p99, ms", report.booked_ms_p99
    yield "requests repeated after a fault", report.requests_retried


def _indented(counts: Mapping[str, int]) -> Rows:
    for name, count in counts.items():
        yield f"    {name}", count


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"


def _rate(count: int, seconds: float) -> float | None:
    return round(count / seconds, 1) if count and seconds > 0 else None


def _by_count(counts: Counter[str]) -> dict[str, Any]:
    return dict(counts.most_common())
