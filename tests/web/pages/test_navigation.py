"""The navigation follows from the pages' declarations, and each entry leads to a page that its role may open."""

import re

import pytest

from oms.domain.vocabulary.actor import Role
from oms.web.pages.declarations import declarations_of
from oms.web.pages.navigation import Place, home_of, navigation
from oms.web.pages.registry import PAGES
from tests.shop import ShopUnderTest
from tests.system.policy.scene import VIEWERS
from tests.web.conftest import Server
from tests.web.pages.conftest import signed_in

BARS = {
    Role.CUSTOMER: ["/orders", "/orders/new"],
    Role.COURIER: ["/courier"],
    Role.MANAGER: [
        "/home",
        "/support",
        "/approvals",
        "/manager/customers",
        "/manager/stock",
        "/manager",
        "/manager/operations",
        "/manager/audit",
        "/settings",
    ],
    Role.SUPPORT: ["/home", "/support", "/support/parked", "/approvals", "/manager/audit"],
}  # fmt: skip


LINK = r'<a (?:class="button bare" )?href="([^"]+)"(?: data-key="[^"]*")?( aria-current="page")?>(.*?)</a>'


@pytest.mark.parametrize("role", [role for role in BARS if role is not Role.COURIER])  # who has one place only
async def test_each_entry_leads_to_a_page_that_its_role_may_open(
    pages: Server, shop: ShopUnderTest, role: Role
) -> None:
    places = places_of(role, "/")
    assert [place.address for place in places] == BARS[role]
    async with signed_in(pages, shop, VIEWERS[role]) as browser:
        for place in places:
            response = await browser.get(place.address)
            assert response.status_code == 200, place.address
            [main] = re.findall(r'<nav[^>]* aria-label="Main">.*?</nav>', response.text, re.DOTALL)
            links = re.findall(LINK, main)
            bar = {address: (re.sub("<.*?>", "", text), bool(current)) for address, current, text in links}
            assert {each.address: bar.get(each.address) for each in places} == {
                each.address: (each.entry.label, each == place) for each in places
            }


def places_of(role: Role, path: str) -> list[Place]:
    return [place for _, places in navigation(VIEWERS[role], path) for place in places]


@pytest.mark.parametrize(
    ("path", "current"),
    [("/manager", "/manager"), ("/manager/maintenance", "/manager"), ("/manager/stock/product", "/manager/stock"),
     ("/support/orders/ord_1", "/support"), ("/managers", None), ("/account", None)],
)  # fmt: skip
def test_the_entry_nearest_to_the_page_is_the_current_one(path: str, current: str | None) -> None:
    assert [place.address for place in places_of(Role.MANAGER, path) if place.is_current] == (
        [current] if current else []
    )


def test_people_start_at_the_page_declared_first_and_machines_have_no_pages() -> None:
    assert {role: home_of(role) for role in Role} == {
        Role.CUSTOMER: "/orders", Role.COURIER: "/courier", Role.MANAGER: "/home", Role.SUPPORT: "/home",
        Role.SERVICE: None,
    }  # fmt: skip


def test_every_page_class_declares_its_handlers_once() -> None:
    declared = [(d.method, d.path) for pages in PAGES for _, d in declarations_of(pages)]
    assert len(declared) == len(set(declared))
    assert all(any(True for _ in declarations_of(pages)) for pages in PAGES)
