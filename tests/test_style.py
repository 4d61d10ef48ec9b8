"""The project's own rules that no tool knows: each test names one."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from oms.platform.settings import PROJECT_DIR, Settings, variable

FORBIDDEN_MODULES: Final = frozenset({"utils", "util", "helpers", "helper", "common", "misc", "manager", "processor"})
FORBIDDEN_CLASS: Final = re.compile(r"(Manager|Service|Processor|Helper|Utils)$")
MAY_ASSIGN: Final = {"status": {"place", "record", "record_for"}, "closed_at": {"record"}}
"""The methods of Order that look a transition up in a machine's table first; nothing else assigns these attributes."""

HAS_STATUSES: Final = ("oms/domain", "oms/jobs", "oms/schema")
TEXT_SUFFIXES: Final = frozenset(
    {".py", ".toml", ".lock", ".md", ".ini", ".mako", ".html", ".graphql", ".css", ".js", ".yml", ".yaml", ""}
)


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (PROJECT_DIR / folder).rglob("*.py"))


def text_files() -> Iterator[Path]:
    """What we wrote ourselves: neither vendored, nor generated, nor binary."""
    folders = ("oms", "tests", "migrations", "templates", "static", "docs", "benchmarks", "deploy", ".ci")
    inside = [path for folder in folders for path in (PROJECT_DIR / folder).rglob("*")]
    for path in [*PROJECT_DIR.iterdir(), *inside]:
        if path.is_file() and path.suffix in TEXT_SUFFIXES and not {"vendor", "__pycache__"} & set(path.parts):
            yield path


def occurrences(pattern: str, paths: Iterator[Path] | list[Path]) -> list[str]:
    return [
        f"{path.relative_to(PROJECT_DIR)}:{number}: {found.group()}"
        for path in paths
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if (found := re.search(pattern, line))
    ]


def name_of(path: Path) -> str:
    return str(path.relative_to(PROJECT_DIR))


def test_no_module_is_named_after_nothing() -> None:
    named = [path for path in sources("oms", "tests") if path.stem in FORBIDDEN_MODULES]
    assert [name_of(path) for path in named] == []


def test_no_class_is_named_after_nothing() -> None:
    named = [
        f"{name_of(path)}:{node.lineno}: {node.name}"
        for path in sources("oms")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and FORBIDDEN_CLASS.search(node.name)
    ]
    assert named == []


@pytest.mark.parametrize("attribute", MAY_ASSIGN)
@pytest.mark.parametrize("folder", HAS_STATUSES)
def test_a_status_and_the_time_of_closing_are_assigned_only_by_a_transition(folder: str, attribute: str) -> None:
    assigned = [
        f"{name_of(path)}:{line} in {function}"
        for path in sources(folder)
        for function, line in assignments(ast.parse(path.read_text()), attribute)
        if not (path.match("domain/*/model.py") and function in MAY_ASSIGN[attribute])
    ]
    assert assigned == []


def assignments(tree: ast.Module, attribute: str) -> Iterator[tuple[str, int]]:
    """Function and line of `x.attribute = …` and of `replace(x, attribute=…)`."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                if isinstance(node, ast.Assign | ast.AugAssign | ast.AnnAssign) and any(
                    isinstance(target, ast.Attribute) and target.attr == attribute for target in targets(node)
                ):
                    yield function.name, node.lineno
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "replace":
                    yield from ((function.name, node.lineno) for word in node.keywords if word.arg == attribute)


def targets(node: ast.Assign | ast.AugAssign | ast.AnnAssign) -> Iterator[ast.expr]:
    for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
        yield from target.elts if isinstance(target, ast.Tuple) else [target]


@pytest.mark.parametrize("attribute", MAY_ASSIGN)
def test_the_rule_of_assignments_sees_every_form(attribute: str) -> None:
    program = f"""
def cheat(order):
    order.{attribute} = FINAL
    order.payment.{attribute}, other = FINAL, None
    replace(order, {attribute}=FINAL)
"""
    assert [line for _, line in assignments(ast.parse(program), attribute)] == [3, 4, 5]


def test_the_rule_of_assignments_finds_where_an_order_is_closed() -> None:
    """Otherwise it would hold because closed_at is called something else."""
    model = ast.parse((PROJECT_DIR / "oms/domain/order/model.py").read_text())
    assert [function for function, _ in assignments(model, "closed_at")] == ["record"]


def test_templates_ask_the_api_what_may_be_done_and_never_compare_a_status() -> None:
    assert occurrences(r"(?i)status\s*(==|!=|\bin\b)", list((PROJECT_DIR / "templates").rglob("*.html"))) == []


def test_every_setting_that_is_named_anywhere_exists() -> None:
    known = {variable(field) for field in Settings.model_fields}
    used = {
        name
        for path in text_files()
        if path.name != "test_settings.py"  # misspells some on purpose
        for name in re.findall(r"\bOMS_[A-Z][A-Z_]*[A-Z]\b", path.read_text())
        if not name.startswith("OMS_TEST_")
    }
    assert used - known - {"OMS_WROKERS"} == set()


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert occurrences(r"(?<![\w.…}])/(work|root|tmp|home|opt)/\w+", text_files()) == []


def test_no_file_names_a_package_index() -> None:
    assert occurrences(r"https?://[^\s/]+/(simple|packages|-)/", text_files()) == []


def test_nothing_is_left_to_be_done_later() -> None:
    words = "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3])
    assert occurrences(rf"\b({words})\b", text_files()) == []


def test_each_exception_from_a_check_for_insecure_code_has_its_reason_beside_it() -> None:
    bare = r"# (noqa: (\w+, )*S\d+|nosec)(?!\d*(, \w+)* - \w).*"
    assert occurrences(bare, sources("oms", "migrations")) == []


def test_no_text_is_passed_off_as_markup() -> None:
    """Templates escape everything, scripts write texts. `Markup` is for the words of pages, made of constants."""
    pages = [path for path in text_files() if path.suffix == ".html"]
    assert occurrences(r"\|\s*safe\b|autoescape", pages) == []
    assert occurrences(r"autoescape=(?!True)", sources("oms")) == []
    marked = occurrences(r"Markup\((?!\"[^\"]*\"\)|'[^']*'\))", sources("oms"))
    assert marked == []
    scripts = [path for path in text_files() if path.suffix == ".js" and path.parent.name == "static"]
    assert (
        occurrences(r"(inner|outer)HTML\b(?!\")|insertAdjacentHTML|document\.write|\beval\(|new Function", scripts)
        == []
    )


def test_migrations_never_import_what_may_change_after_them() -> None:
    versions = list((PROJECT_DIR / "migrations/versions").glob("*.py"))
    assert occurrences(r"^\s*(from|import) oms\b", versions) == []


def test_tasks_are_started_by_their_owners_only() -> None:
    """oms.platform.tasks logs, counts and restarts. A TaskGroup owns what it starts."""
    pattern = (
        r"\b(asyncio|loop|get_running_loop\(\))\.(create_task|ensure_future)\b|import .*\b(create_task|ensure_future)\b"
    )
    paths = [path for path in sources("oms") if name_of(path) != "oms/platform/tasks.py"]
    assert occurrences(pattern, paths) == []
