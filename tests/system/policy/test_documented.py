"""What docs/security.md tells of who may do what is what the product asks."""

import re

from oms.platform.settings import PROJECT_DIR
from oms.tools.reference.policy import policy_table


def test_the_table_is_the_one_that_is_asked() -> None:
    page = (PROJECT_DIR / "docs/security.md").read_text()
    shown = re.search(r"<!-- policy: .*? -->\n(.*)<!-- end of policy -->", page, re.DOTALL)
    assert shown
    assert shown[1] == policy_table(), "run: python -m oms policy"
