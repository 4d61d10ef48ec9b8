"""Prints a report as a table for people, or formats it as JSON for programs."""

from collections.abc import Iterator
from dataclasses import asdict

import orjson
from rich.console import Console
from rich.table import Table

from oms.tools.check.check import Kind, Report, Result


def as_json(report: Report) -> bytes:
    """Every result with its first findings."""
    content = {
        "is_clean": not report.violated,
        "violations": sum(result.found_count for result in report.violated),
        "results": [asdict(result) for result in report.results],
        "remarks": list(report.remarks),
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def print_report(report: Report, console: Console) -> None:
    """Prints the table, the findings, the remarks and the verdict."""
    console.print(_table(report))
    for result in report.results:
        for line in _findings(result):
            console.print(line, soft_wrap=True, highlight=False, markup=False)
    for remark in report.remarks:
        console.print(remark, soft_wrap=True, highlight=False, markup=False)
    console.print(_verdict(report), soft_wrap=True, highlight=False, markup=False)


def _table(report: Report) -> Table:
    table = Table(title="Check", title_justify="left")
    table.add_column("rule")
    table.add_column("what must hold", overflow="fold")
    table.add_column("examined", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("violations", justify="right", no_wrap=True)
    rule = ""
    for result in report.results:
        if result.kind == Kind.NOTE:
            continue
        if rule and rule != result.rule:
            table.add_section()
        rule = result.rule
        style = "red" if result.is_violation else None
        table.add_row(
            rule, result.holds, result.examined, f"{result.rows_count:,}", f"{result.found_count:,}", style=style
        )
    return table


def _findings(result: Result) -> Iterator[str]:
    if not result.found_count:
        return
    broken = f"Rule {result.rule} is violated" if result.is_violation else f"Note on rule {result.rule}"
    yield f"{broken}: {result.holds} ({result.found_count:,})"
    yield from (f"    {finding.id}: {finding.what}" for finding in result.first)
    if result.found_count > len(result.first):
        yield f"    … and {result.found_count - len(result.first):,} more"


def _verdict(report: Report) -> str:
    took_s = sum(result.took_ms for result in report.results) / 1000
    checks = sum(result.kind == Kind.RULE for result in report.results)
    violations = sum(result.found_count for result in report.violated)
    if not violations:
        return f"Clean: {checks} checks in {took_s:.1f} s, no violation."
    return f"{violations:,} violations in {len(report.violated)} of {checks} checks, in {took_s:.1f} s."
