"""What the README shows is what the code does."""

import re

from oms.platform.settings import PROJECT_DIR
from oms.tools.reference.diagrams import state_diagrams


def test_the_diagrams_are_those_of_the_tables() -> None:
    readme = (PROJECT_DIR / "README.md").read_text()
    shown = re.search(r"<!-- diagrams: .*? -->\n(.*)<!-- end of diagrams -->", readme, re.DOTALL)
    assert shown
    assert shown[1] == state_diagrams(), "run: make docs"


def test_every_document_it_points_to_is_there() -> None:
    for document in [PROJECT_DIR / "README.md", *(PROJECT_DIR / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", document.read_text()):
            assert (document.parent / target).exists(), f"{document.name} points to {target}"


def test_every_file_that_the_documents_name_is_there() -> None:
    for document in [PROJECT_DIR / "README.md", *(PROJECT_DIR / "docs").glob("*.md")]:
        for named in re.findall(r"`((?:oms|tests|migrations|templates|static)/[\w/.]+)`", document.read_text()):
            assert (PROJECT_DIR / named).exists(), f"{document.name} names {named}"
