"""What was found, as a table for people and as JSON for programs."""

from collections.abc import Iterator
from dataclasses import asdict

import orjson
from rich.console import Console
from rich.table import Table

from oms.tools.check.check import Findings, Kind, Result


def as_json(findings: Findings) -> bytes:
    """Every result with its first rows, indented."""
    content = {
        "is_clean": not findings.violated,
        "violations": sum(result.found_count for result in findings.violated),
        "results": [asdict(result) for result in findings.results],
        "remarks": list(findings.remarks),
    }
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def print_report(findings: Findings, console: Console) -> None:
    """The table, below it what breaks a rule, then what is worth a look, last the verdict."""
    console.print(_table(findings))
    for result in findings.results:
        for line in _found(result):
            console.print(line, soft_wrap=True, highlight=False, markup=False)
    for remark in findings.remarks:
        console.print(remark, soft_wrap=True, highlight=False, markup=False)
    console.print(_verdict(findings), soft_wrap=True, highlight=False, markup=False)


def _table(findings: Findings) -> Table:
    table = Table(title="Check", title_justify="left")
    table.add_column("rule")
    table.add_column("what must hold", overflow="fold")
    table.add_column("examined", overflow="fold")
    table.add_column("rows", justify="right", no_wrap=True)
    table.add_column("violations", justify="right", no_wrap=True)
    rule = ""
    for result in findings.results:
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


def _found(result: Result) -> Iterator[str]:
    if not result.found_count:
        return
    broken = f"Rule {result.rule} is violated" if result.is_violation else f"Note on rule {result.rule}"
    yield f"{broken}: {result.holds} ({result.found_count:,})"
    yield from (f"    {found.id}: {found.what}" for found in result.first)
    if result.found_count > len(result.first):
        yield f"    … and {result.found_count - len(result.first):,} more"


def _verdict(findings: Findings) -> str:
    took_s = sum(result.took_ms for result in findings.results) / 1000
    checks = sum(result.kind == Kind.RULE for result in findings.results)
    violations = sum(result.found_count for result in findings.violated)
    if not violations:
        return f"Clean: {checks} checks in {took_s:.1f} s, no violation."
    return f"{violations:,} violations in {len(findings.violated)} of {checks} checks, in {took_s:.1f} s."
