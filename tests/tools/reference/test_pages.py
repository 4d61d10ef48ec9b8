"""The generated pages of docs/reference are what the code prints."""

import pytest
from typer.testing import CliRunner

from oms.platform.settings import PROJECT_DIR
from oms.tools.cli.main import app
from oms.tools.reference.pages import PAGES

FOLDER = PROJECT_DIR / "docs" / "reference"


@pytest.mark.parametrize("file", PAGES)
def test_a_page_is_up_to_date(file: str) -> None:
    assert (FOLDER / file).read_text() == PAGES[file](), "run: make docs"


def test_every_file_of_the_folder_is_generated() -> None:
    assert {path.name for path in FOLDER.iterdir()} == set(PAGES)


def test_one_page_is_printed_by_its_name() -> None:
    assert CliRunner().invoke(app, ["reference", "settings"]).stdout == PAGES["settings.md"]()


def test_an_unknown_page_is_refused_with_the_names_of_all() -> None:
    refused = CliRunner().invoke(app, ["reference", "recipes"])
    assert refused.exit_code == 2
    assert "permissions" in refused.stderr
