"""How files and folders may import each other: never in a ring, and folders hold a dozen entries at most."""

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

from oms.platform.settings import PROJECT_DIR

MAX_ENTRIES: Final = 12
LISTS_OF_CONCEPTS: Final = {"oms/domain", "oms/schema", "oms/tools/check/rules"}
"""As long as the business: one entry for each concept."""

Graph = Mapping[str, set[str]]


def modules() -> dict[str, Path]:
    """Every module of the product by its dotted name."""
    return {name_of(path): path for path in sorted((PROJECT_DIR / "oms").rglob("*.py"))}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PROJECT_DIR).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> Iterator[str]:
    """Also those within functions and for type checkers only."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph_of_files() -> Graph:
    known = modules()
    return {
        name: {each for each in imports(path) if each in known and each != name and not name.startswith(f"{each}.")}
        for name, path in known.items()
    }


def graphs_of_folders() -> dict[str, Graph]:
    """By folder, how its entries import each other."""
    graphs: dict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name, imported in graph_of_files().items():
        for other in imported:
            parts, others = name.split("."), other.split(".")
            depth = next((i for i, (a, b) in enumerate(zip(parts, others, strict=False)) if a != b), None)
            if depth is not None:
                graphs[".".join(parts[:depth])][parts[depth]].add(others[depth])
    return {folder: dict(graph) for folder, graph in graphs.items()}


def ring_in(graph: Graph) -> list[str]:
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_no_files_import_each_other_in_a_ring() -> None:
    assert ring_in(graph_of_files()) == []


@pytest.mark.parametrize("folder", sorted(graphs_of_folders()))
def test_no_folders_import_each_other_in_a_ring(folder: str) -> None:
    assert ring_in(graphs_of_folders()[folder]) == []


def test_a_ring_is_seen() -> None:
    assert ring_in({"a": {"b"}, "b": {"c"}, "c": {"a"}}) != []
    assert ring_in({"a": {"b", "c"}, "b": {"c"}}) == []


def test_imports_follow_the_contracts() -> None:
    found = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout


def test_folders_hold_a_dozen_entries_at_most() -> None:
    folders = {path.parent for path in (PROJECT_DIR / "oms").rglob("*.py")}
    counts = {
        str(folder.relative_to(PROJECT_DIR)): len([e for e in folder.iterdir() if e.name not in HIDDEN])
        for folder in folders
    }
    too_full = {name: count for name, count in counts.items() if count > MAX_ENTRIES and name not in LISTS_OF_CONCEPTS}
    assert too_full == {}


HIDDEN: Final = {"__init__.py", "__pycache__"}
