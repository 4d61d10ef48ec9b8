"""The navigation follows from the pages' declarations, and each entry leads to a page that its role may open."""

import re

import pytest

from oms.domain.vocabulary.actor import Role
from oms.web.pages.declarations import declarations_of
from oms.web.pages.navigation import home_of, navigation
from oms.web.pages.registry import PAGES
from tests.shop import ShopUnderTest
from tests.system.policy.scene import VIEWERS
from tests.web.conftest import Server
from tests.web.pages.conftest import signed_in

BARS = {
    Role.CUSTOMER: ["/orders", "/orders/new"],
    Role.COURIER: ["/courier"],
    Role.MANAGER: [
        "/manager",
        "/manager/stock",
        "/manager/operations",
        "/manager/customers",
        "/support",
        "/manager/audit",
    ],
    Role.SUPPORT: ["/support", "/support/parked", "/manager/audit"],
}  # fmt: skip


@pytest.mark.parametrize("role", BARS)
async def test_each_entry_leads_to_a_page_that_its_role_may_open(
    pages: Server, shop: ShopUnderTest, role: Role
) -> None:
    entries = navigation(VIEWERS[role], "/")
    assert [address for _, address, _ in entries] == BARS[role]
    async with signed_in(pages, shop, VIEWERS[role]) as browser:
        for label, address, _ in entries:
            response = await browser.get(address)
            assert response.status_code == 200, address
            bar = re.findall(r'<li><a href="([^"]+)"(?: aria-current="page")?>([^<]+)</a></li>', response.text)
            assert bar[: len(entries)] == [(each, name) for name, each, _ in entries]
            assert f'<a href="{address}" aria-current="page">{label}</a>' in response.text


@pytest.mark.parametrize(
    ("path", "current"),
    [("/manager", "/manager"), ("/manager/maintenance", "/manager"), ("/manager/stock/product", "/manager/stock"),
     ("/support/orders/ord_1", "/support"), ("/managers", None), ("/account", None)],
)  # fmt: skip
def test_the_entry_nearest_to_the_page_is_the_current_one(path: str, current: str | None) -> None:
    assert [address for _, address, is_current in navigation(VIEWERS[Role.MANAGER], path) if is_current] == (
        [current] if current else []
    )


def test_people_start_at_their_first_entry_and_machines_have_no_pages() -> None:
    assert {role: home_of(role) for role in Role} == {role: addresses[0] for role, addresses in BARS.items()} | {
        Role.SERVICE: None
    }


def test_every_page_class_declares_its_handlers_once() -> None:
    declared = [(d.method, d.path) for pages in PAGES for _, d in declarations_of(pages)]
    assert len(declared) == len(set(declared))
    assert all(any(True for _ in declarations_of(pages)) for pages in PAGES)
