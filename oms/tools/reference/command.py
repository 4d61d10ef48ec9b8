"""`python -m oms reference`: print one generated page, or write all of them."""

import re
from pathlib import Path
from typing import Final

import typer

from oms.platform.settings import PROJECT_DIR
from oms.tools.reference.diagrams import state_diagrams
from oms.tools.reference.pages import PAGES

FOLDER: Final = PROJECT_DIR / "docs" / "reference"
README: Final = PROJECT_DIR / "README.md"
DIAGRAMS: Final = re.compile(r"(?<=<!-- diagrams: make docs -->\n).*(?=<!-- end of diagrams -->)", re.DOTALL)


def run(name: str | None) -> None:
    if name is None:
        _write()
        return
    by_name = {Path(file).stem: printed for file, printed in PAGES.items()}
    if name not in by_name:
        raise typer.BadParameter(f"There is no page {name!r}. Choose from {', '.join(by_name)}.")
    typer.echo(by_name[name](), nl=False)


def _write() -> None:
    for file, printed in PAGES.items():
        (FOLDER / file).write_text(printed(), encoding="utf-8")
    readme = DIAGRAMS.sub(lambda _: state_diagrams(), README.read_text(encoding="utf-8"))
    README.write_text(readme, encoding="utf-8")
