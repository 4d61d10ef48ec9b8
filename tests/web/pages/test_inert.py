"""What people write stays text: read by a parser, each page has the very elements that it has with harmless text.

`tests/system/browser/test_inert.py` shows the same texts to Chromium. No e-mail is sent by this system.
"""

from collections import Counter
from unittest import mock
from xml.etree.ElementTree import Element

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.identity import accounts
from oms.domain.vocabulary.actor import Role
from tests.shop import ShopUnderTest, empty
from tests.web.conftest import Server
from tests.web.pages.conftest import signed_in
from tests.web.pages.hostile import TEXTS
from tests.web.pages.walk import NAMED_BY_TEXT, PEOPLE, leading_astray, parsed, set_scene, skeleton, unchecked, walked

HARMLESS = "harmless"
COMPUTED = "1234321"  # what 1111*1111 would be, were it carried out

GROWING = ("/manager/operations", "/manager/audit")
"""Pages that hold more from moment to moment, whatever is written."""

Pages = dict[tuple[Role, str], Element]
"""Documents by who reads them, and the name of the page."""


@mock.patch.object(accounts, "check_code", unchecked)
async def everything(pages: Server, shop: ShopUnderTest, text: str) -> Pages:
    """What each role sees of a shop, and under a name, in which the text stands everywhere."""
    await empty(shop.owner)
    scene = await set_scene(shop, text)
    found: Pages = {}
    for role in PEOPLE:
        viewer = Viewer("walker", role, text if role is Role.CUSTOMER else None)
        async with signed_in(pages, shop, viewer) as browser:
            await shop.execute("UPDATE accounts SET name = :text, login = :text || id", text=text)
            async for page, answer in walked(browser, pages.app, scene):
                assert answer.status_code < 500, (page, answer.text)
                assert COMPUTED not in answer.text, page
                found[role, page] = parsed(answer.text)
    return found


@pytest.fixture(scope="module")
def harmless() -> Pages:
    return {}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
async def test_no_element_and_no_attribute_comes_from_what_people_write(
    pages: Server, shop: ShopUnderTest, harmless: Pages, text: str
) -> None:
    if not harmless:
        harmless.update(await everything(pages, shop, HARMLESS))
    found = await everything(pages, shop, text)
    assert {page for _, page in harmless.keys() - found.keys() if NAMED_BY_TEXT not in page} == set()
    kinds = {kind for document in harmless.values() for kind in skeleton(document)}
    for (role, page), document in found.items():
        assert leading_astray(document) == [], (role, page)
        came, expected = skeleton(document), skeleton(harmless[role, page])
        if page.startswith(GROWING):
            assert set(came) <= kinds, (role, page)
        else:
            assert (came - expected, expected - came) == (Counter(), Counter()), (role, page)
