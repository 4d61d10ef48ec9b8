"""What the README and docs/ point to exists, and what the README shows is what the code does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

import oms.domain.concepts  # noqa: F401 - registers the state machines
from oms.platform.settings import PROJECT_DIR
from oms.tools.reference.diagrams import state_diagrams

README: Final = PROJECT_DIR / "README.md"
PAGES: Final = [README, PROJECT_DIR / "benchmarks/README.md", *sorted((PROJECT_DIR / "docs").rglob("*.md"))]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT_DIR)))


def test_the_diagrams_are_those_of_the_tables() -> None:
    shown = re.search(r"<!-- diagrams: .*? -->\n(.*)<!-- end of diagrams -->", README.read_text(), re.DOTALL)
    assert shown
    assert shown[1] == state_diagrams(), "run: make docs"


@each_page
def test_every_relative_link_leads_to_a_file_and_a_heading(page: Path) -> None:
    assert [link for link, target, anchor in links(page) if not leads_somewhere(target, anchor)] == []


@each_page
def test_every_file_that_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"`((?:oms|tests|migrations|templates|static|benchmarks|docs)/[\w/.-]+)`", page.read_text())
    assert [name for name in named if not (PROJECT_DIR / name).exists()] == []


def test_the_map_of_the_documentation_lists_every_guide_and_all_evidence() -> None:
    docs = PROJECT_DIR / "docs"
    listed = {target for _, target, _ in links(docs / "README.md")}
    written = {path for folder in ("guides", "evidence") for path in (docs / folder).glob("*.md")}
    assert written - listed == set(), "add it to docs/README.md"


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# Two `words`\n[a](#two-words) [b](#three) [c](page.md#two-words) [d](other.md) [e](https://x.org)\n"
    )
    assert [link for link, target, anchor in links(page) if not leads_somewhere(target, anchor)] == [
        "#three",
        "other.md",
    ]


def links(page: Path) -> Iterator[tuple[str, Path, str]]:
    """Link, file and anchor of each relative link; without a file the page itself."""
    for link in re.findall(r"\]\((?!https?:)([^)\s]+)\)", page.read_text()):
        target, _, anchor = link.partition("#")
        yield link, page.parent / target if target else page, anchor


def leads_somewhere(target: Path, anchor: str) -> bool:
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub derives from the headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
