"""The ASVS table names every requirement of levels 1 and 2, and only files that exist."""

import re
from collections.abc import Iterator
from typing import Final

from oms.platform.settings import PROJECT_DIR

PAGE: Final = (PROJECT_DIR / "docs/evidence/asvs.md").read_text(encoding="utf-8")
VERDICTS: Final = frozenset({"met", "operator", "part", "not", "–"})

LEVELS_1_AND_2: Final = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip
"""Requirements of levels 1 and 2 in each section; those of level 3 have higher numbers. Source: OWASP ASVS 5.0.0."""

REQUIREMENTS: Final = [f"{section}.{n}" for section, count in LEVELS_1_AND_2.items() for n in range(1, count + 1)]


def rows() -> Iterator[tuple[str, str, str]]:
    """Number, verdict and test of each requirement in the table; a row may answer several."""
    for line in PAGE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" |")]
        numbers = cells[0].split(", ")
        if all(re.fullmatch(r"\d+(\.\d+){0,2}", number) for number in numbers):
            _, verdict, _, shown_by = cells
            yield from ((number, verdict, shown_by) for number in numbers)


def section_and_chapter(number: str) -> tuple[str, str]:
    chapter, section, _ = number.split(".")
    return f"{chapter}.{section}", chapter


def test_every_requirement_or_its_section_or_chapter_has_one_row() -> None:
    answered = [number for number, _, _ in rows()]
    assert len(answered) == len(set(answered))
    assert [number for number in REQUIREMENTS if not {number, *section_and_chapter(number)} & set(answered)] == []


def test_every_row_answers_a_requirement_that_exists() -> None:
    known = {*REQUIREMENTS, *(place for number in REQUIREMENTS for place in section_and_chapter(number))}
    assert {number for number, _, _ in rows()} - known == set()


def test_every_row_says_whether_it_is_met() -> None:
    assert {verdict for _, verdict, _ in rows()} <= VERDICTS
    assert [number for number, verdict, shown_by in rows() if verdict == "–" and shown_by] == []


def test_every_named_file_exists() -> None:
    named = set(re.findall(r"`((?:oms|tests|static|migrations)/[\w/.-]+)`", PAGE))
    assert len(named) > 50
    assert [name for name in sorted(named) if not (PROJECT_DIR / name).exists()] == []
