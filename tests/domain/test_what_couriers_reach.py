"""Couriers see and move what leaves from their warehouses, and what was delivered lately."""

from dataclasses import replace
from uuid import UUID

import pytest

from oms.domain.access.permissions import Carries, Viewer
from oms.domain.audit.model import OPERATOR
from oms.domain.fulfilment import commands as fulfilment
from oms.domain.fulfilment.commands import CourierAction, MoveShipment
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.accounts import NewAccount
from oms.domain.order.shipment import ShipmentKey, ShipmentStatus
from oms.domain.order_queries import orders, shipment_counts, shipments
from oms.domain.order_queries.shipments import ShipmentQuery
from oms.domain.tokens import commands as tokens
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Refused
from oms.web.auth.authenticator import Authenticator, Unauthenticated
from oms.web.auth.credentials import SessionSecret
from tests.shop import COURIER, SESSION_RULES, ShopUnderTest

OF_NORTH = replace(COURIER, carries=Carries(frozenset({"NORTH"})))
OF_THIS_WEEK = replace(COURIER, carries=Carries(ended_days=7))
DELIVERED = frozenset({ShipmentStatus.DELIVERED})


@pytest.fixture
async def booked(shop: ShopUnderTest) -> UUID:
    """An order of two shipments, the first from NORTH, the second from SOUTH."""
    await shop.stock_up({"MUG": {"NORTH": 9}, "CUP": {"SOUTH": 9}})
    order = await shop.place({"MUG": 1, "CUP": 1})
    await shop.run()
    return order


async def listed(shop: ShopUnderTest, viewer: Viewer, query: ShipmentQuery | None = None) -> list[ShipmentKey]:
    page = await shipments.page(shop.db, viewer, query or ShipmentQuery(), first=9, after=None)
    return [seen.key for seen in page.entries]


async def moved(shop: ShopUnderTest, viewer: Viewer, key: ShipmentKey) -> str | None:
    async with shop.db.transaction() as tx:
        [result] = await fulfilment.move(tx, [(viewer, MoveShipment(CourierAction.DISPATCH, key))])
    return result.problems[0].reason.name if isinstance(result, Refused) else None


async def test_a_courier_of_a_warehouse_sees_and_moves_only_what_leaves_from_there(
    shop: ShopUnderTest, booked: UUID
) -> None:
    theirs, other = (booked, 1), (booked, 2)
    assert await listed(shop, OF_NORTH) == [theirs]
    assert await listed(shop, OF_NORTH, ShipmentQuery(warehouse_code="SOUTH")) == []
    assert set(await shipments.of_keys(shop.db, OF_NORTH, [theirs, other])) == {theirs}
    assert [seen.key for seen in (await shipments.of_orders(shop.db, OF_NORTH, [booked]))[booked]] == [theirs]
    counted = {each.status: each.count for each in await shipment_counts.counts(shop.db, OF_NORTH, None)}
    assert counted[ShipmentStatus.BOOKED] == 1
    assert await moved(shop, OF_NORTH, other) == "SHIPMENT_NOT_FOUND"
    assert await moved(shop, OF_NORTH, theirs) is None
    with pytest.raises(Refused):
        async with shop.db.transaction() as tx:
            await fulfilment.fail(tx, OF_NORTH, other, "Lost")


async def test_an_order_without_a_shipment_of_theirs_does_not_exist_for_them(shop: ShopUnderTest, booked: UUID) -> None:
    of_east = replace(COURIER, carries=Carries(frozenset({"EAST"})))
    for viewer, found in ((OF_NORTH, {booked}), (of_east, set()), (COURIER, {booked})):
        assert set(await orders.of_ids(shop.db, viewer, [booked])) == found


async def test_without_a_limit_a_courier_carries_everything(shop: ShopUnderTest, booked: UUID) -> None:
    assert await listed(shop, COURIER) == [(booked, 2), (booked, 1)]


async def test_what_was_delivered_is_seen_for_some_days(shop: ShopUnderTest, booked: UUID) -> None:
    for number in (1, 2):
        await shop.dispatch(booked, number)
        await shop.deliver(booked, number)
    later = await shop.place({"MUG": 1})
    await shop.run()
    await shop.execute(
        """UPDATE shipments
           SET delivered_at = delivered_at - interval '8 days', updated_at = updated_at - interval '8 days'
           WHERE number = 2"""
    )
    old, recent, waiting = (booked, 2), (booked, 1), (later, 1)
    assert await listed(shop, OF_THIS_WEEK) == [waiting, recent]
    assert await listed(shop, OF_THIS_WEEK, ShipmentQuery(DELIVERED)) == [recent]
    assert await listed(shop, OF_THIS_WEEK, ShipmentQuery(frozenset({ShipmentStatus.BOOKED}))) == [waiting]
    assert set(await shipments.of_keys(shop.db, OF_THIS_WEEK, [old, recent, waiting])) == {recent, waiting}
    assert await listed(shop, COURIER) == [waiting, old, recent]
    assert await moved(shop, OF_THIS_WEEK, old) == "SHIPMENT_NOT_FOUND"
    assert await moved(shop, OF_THIS_WEEK, recent) == "NOT_BOOKED"


async def test_a_list_of_what_was_delivered_lately_goes_on_page_by_page(shop: ShopUnderTest, booked: UUID) -> None:
    await shop.dispatch(booked, 1)
    await shop.deliver(booked, 1)
    first = await shipments.page(shop.db, OF_THIS_WEEK, ShipmentQuery(), first=1, after=None)
    second = await shipments.page(shop.db, OF_THIS_WEEK, ShipmentQuery(), first=1, after=first.entries[0].cursor)
    assert [seen.key for page in (first, second) for seen in page.entries] == [(booked, 2), (booked, 1)]
    assert (first.more, second.more) == (True, False)


async def test_tokens_and_accounts_of_couriers_are_limited_to_warehouses(shop: ShopUnderTest) -> None:
    north = frozenset({"NORTH"})
    async with shop.db.transaction() as tx:
        token = await tokens.issue_token(
            tx, role=Role.COURIER, name="van", customer_reference=None, days=1, warehouses=north
        )
        account = await accounts.add(tx, OPERATOR, NewAccount("kim", "Kim", Role.COURIER, warehouses=north), "hash")
        secret = await sessions.start(tx, account, SESSION_RULES, by="password")
    assert secret
    authenticator = Authenticator(shop.db, SESSION_RULES, couriers_see_ended_days=7)
    expected = Carries(north, ended_days=7)
    assert (await authenticator.viewer(f"Bearer {token}")).carries == expected
    assert (await authenticator.viewer(SessionSecret(secret))).carries == expected
    async with shop.db.transaction() as tx:
        await accounts.set_role(tx, OPERATOR, account.id, Role.COURIER, None, frozenset({"SOUTH"}))
    with pytest.raises(Unauthenticated):
        await Authenticator(shop.db, SESSION_RULES).viewer(SessionSecret(secret))
    changed = "SELECT before, after FROM audit_events WHERE action = 'RoleChanged'"
    assert await shop.rows(changed) == [
        ({"role": "COURIER", "warehouses": ["NORTH"]}, {"role": "COURIER", "warehouses": ["SOUTH"]})
    ]
