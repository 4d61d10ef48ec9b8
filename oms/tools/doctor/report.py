"""Prints the doctor's report for people, or formats it as JSON for programs."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from rich.console import Console
from rich.table import Table

from oms.domain.concept.standstill import Cause
from oms.domain.diagnosis.model import Standstill
from oms.domain.vocabulary.ids import order_id
from oms.tools.doctor.health import Finding


@dataclass(frozen=True, slots=True)
class Examination:
    """`at`: by the database's clock. `is_complete`: everything was examined."""

    at: datetime
    findings: Sequence[Finding]
    standstills: Sequence[Standstill]
    is_complete: bool

    @property
    def is_healthy(self) -> bool:
        return self.is_complete and not self.standstills and all(finding.is_healthy for finding in self.findings)


def as_json(examination: Examination) -> bytes:
    content = {
        "at": examination.at,
        "isHealthy": examination.is_healthy,
        "isComplete": examination.is_complete,
        "findings": [{"name": f.name, "state": f.state, "remedy": f.remedy or None} for f in examination.findings],
        "standstills": [_as_values(standstill) for standstill in examination.standstills],
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n"


def _as_values(standstill: Standstill) -> dict[str, object]:
    subject = standstill.subject
    return {
        "orderId": subject.order_id and order_id(subject.order_id),
        "reference": subject.reference,
        "shipment": subject.shipment or None,
        "status": subject.status,
        "cause": standstill.cause.name,
        "since": standstill.since,
        "remedy": standstill.remedy,
        "nextAt": standstill.next_at,
        "queue": subject.work and subject.work.kind.queue,
        "step": subject.work and str(subject.work.step),
        "attempts": subject.work and subject.work.attempts,
        "lastError": subject.work and subject.work.last_error,
    }


def print_report(examination: Examination, console: Console, *, limit: int) -> None:
    """Prints the health first, as it is often the cause; then each cause with its remedy and its first subjects."""
    console.print(_health(examination.findings))
    counted = Counter(standstill.cause for standstill in examination.standstills)
    for cause, count in counted.most_common():
        _print_cause(examination, cause, count, console, limit)
    if not examination.is_complete:
        console.print("Not everything was examined: fix this first, then run the doctor again.", highlight=False)
    console.print(_verdict(examination), highlight=False)


def _health(findings: Sequence[Finding]) -> Table:
    table = Table(title="System", title_justify="left")
    for heading in ("part", "state", "what to do"):
        table.add_column(heading, overflow="fold")
    for finding in findings:
        table.add_row(finding.name, finding.state, finding.remedy, style=None if finding.is_healthy else "red")
    return table


def _print_cause(examination: Examination, cause: Cause, count: int, console: Console, limit: int) -> None:
    console.print(f"\n{count:,}: {cause}", highlight=False, markup=False)
    of_cause = [standstill for standstill in examination.standstills if standstill.cause == cause]
    for standstill in of_cause[:limit]:
        subject = standstill.subject
        part = f"shipment {subject.shipment}" if subject.shipment else "the order"
        line = f"  {subject.reference}: {part} is {subject.status} for {_duration(examination.at - standstill.since)}"
        if standstill.next_at is not None:
            line += f", next at {standstill.next_at:%Y-%m-%d %H:%M:%S} UTC"
        console.print(f"{line}. {standstill.remedy}", soft_wrap=True, highlight=False, markup=False)
    if count > limit:
        console.print(f"  … and {count - limit:,} more (all: --json)", highlight=False)


def _duration(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _verdict(examination: Examination) -> str:
    if examination.is_healthy:
        return "No problems: every open order moves, or waits no longer than it may."
    unhealthy = sum(not finding.is_healthy for finding in examination.findings)
    orders = len({standstill.subject.reference for standstill in examination.standstills})
    return f"{orders:,} orders stand still; {unhealthy} problems of the system."
