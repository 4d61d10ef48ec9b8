"""The rules of the domain. Each module here is found by itself, so new rules are one new file.

A module may define CHECKS, a sequence of checks, and CALLED_FOR, queries of the work that its subjects call for.
"""

from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Final

from oms.tools.check.called_for import checks_of_work
from oms.tools.check.check import Check


def modules_in(folder: Iterable[str], package: str) -> Iterator[ModuleType]:
    """The modules of a package, by name."""
    for found in iter_modules(folder):
        yield import_module(f"{package}.{found.name}")


def checks_of(modules: Iterable[ModuleType]) -> tuple[Check, ...]:
    """What the modules define, by rule."""
    found = list(modules)
    called_for = [query for module in found for query in getattr(module, "CALLED_FOR", ())]
    defined = (check for module in found for check in getattr(module, "CHECKS", ()))
    return tuple(sorted((*defined, *checks_of_work(called_for)), key=lambda check: check.rule))


ALL: Final[Sequence[Check]] = checks_of(modules_in(__path__, __name__))

REMARKS: Final = (
    "Rule 6: received events leave no trace in the database; tests show that every subscriber receives all.",
    "Rule 8: refusals leave no trace in the database; tests show that every entry point refuses.",
)
