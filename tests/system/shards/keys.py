"""By what docs/guides/scaling.md distributes each table: its table of tables is what the tests hold the product to."""

import re
from dataclasses import dataclass
from typing import Final

from oms.platform.settings import PROJECT_DIR

_PAGE: Final = PROJECT_DIR / "docs/guides/scaling.md"
_ROW: Final = re.compile(r"^\| (?P<tables>`[^|]*`) \| (?:`(?P<key>\w+)`|–) \| (?P<of>[^|]*) \|", re.MULTILINE)
_NAME: Final = re.compile(r"`(\w+)`")


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a table's rows lie: with the value of `key`, or on every node where it is None.

    Tables of one kind (`of`) whose keys are equal lie together.
    """

    key: str | None
    of: str


def placements() -> dict[str, Placement]:
    """By table."""
    section = _PAGE.read_text().partition("## Which tables, by which keys")[2].partition("\n## ")[0]
    return {
        table: Placement(row["key"], row["of"].strip())
        for row in _ROW.finditer(section)
        for table in _NAME.findall(row["tables"])
    }
