"""How tests are distributed over processes: a file's tests stay together, because they share what fixtures start."""

from typing import Final

from xdist.scheduler import LoadScopeScheduling

ONE_PLACE: Final = ("tests/system/browser/", "tests/tools/check/")
"""Folders whose files share something expensive: a running instance with Chromium, or a database with a history."""

EACH_APART: Final = ("tests/system/simulation/test_planted_bugs.py",)
"""Files whose tests share nothing expensive."""

LONGEST_FIRST: Final = (
    "tests/system/browser/", "tests/web/pages/test_inert.py", "tests/system/", "tests/platform/", "tests/benchmarks/",
    "tests/tools/", "tests/web/pages/",
)  # fmt: skip
"""Slow folders and files, so that no process has a long file left at the end."""


def place_of(file: str) -> int:
    """The rank by which files begin; the smallest is first."""
    return next((place for place, folder in enumerate(LONGEST_FIRST) if file.startswith(folder)), len(LONGEST_FIRST))


class ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist ships no types
    """Gives each process a file at a time."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        if file in EACH_APART:
            return nodeid
        return next((folder for folder in ONE_PLACE if file.startswith(folder)), file)
