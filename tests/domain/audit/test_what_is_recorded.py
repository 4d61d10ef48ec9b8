"""What the audit log contains after staff override, set or change something, and after refusals."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from oms.domain.access.permissions import Viewer, require
from oms.domain.audit import repeats
from oms.domain.audit.policy import RefusalAction
from oms.domain.audit.refusals import RefusalRecorder
from oms.domain.audit.repeats import EVERY_S
from oms.domain.cancellation.policy import CancellationAction
from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product, Warehouse
from oms.domain.catalog.policy import CatalogAction
from oms.domain.fraud import commands as fraud
from oms.domain.fraud.policy import FraudAction, FraudPermission
from oms.domain.fulfilment import commands as shipments
from oms.domain.fulfilment.policy import FulfilmentAction
from oms.domain.inventory import commands as stock
from oms.domain.inventory.commands import StockCount
from oms.domain.inventory.policy import InventoryAction
from oms.domain.order.policy import OrderReason
from oms.domain.parked import commands as work
from oms.domain.parked.policy import ParkedAction
from oms.domain.placing.policy import PlacingPermission
from oms.domain.vocabulary.actor import Actor, Role
from oms.domain.vocabulary.errors import AccessReason, InputReason, Problem, Refused, refused
from oms.domain.vocabulary.ids import order_id
from oms.domain.vocabulary.permission import Permission
from oms.domain.vocabulary.wording import wording
from oms.domain.work.model import WorkKey
from tests.domain.audit.test_audit_log import entries
from tests.shop import CART, COURIER, MANAGER, SUPPORT, ShopUnderTest, customer, open_shop

MACHINE = Viewer("stock system", Role.SERVICE, principal="token:9")


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        await shop.stock_up({"pen": {"east": 5}})
        await shop.execute("TRUNCATE audit_events, audit_addresses, audit_chain")
        yield shop


async def test_a_cancellation_by_staff_is_an_override_and_by_others_is_not(shop: ShopUnderTest) -> None:
    for viewer in (CART, customer("ana")):
        await shop.cancel(await shop.place({"pen": 1}), viewer)
    assert await entries(shop) == []
    order = await shop.place({"pen": 1})
    await shop.cancel(order, SUPPORT)
    (entry,) = await entries(shop)
    assert (entry.action, entry.subject, entry.order_id) == (CancellationAction.OrderCancelled, order_id(order), order)
    assert (entry.before, entry.after) == ({"status": "PENDING"}, {"status": "CANCELLED"})
    assert entry.reason == "Changed my mind"
    (row,) = await shop.rows("SELECT before, after, reason FROM audit_events")
    assert row == (None, None, None)  # the order's event says it


async def test_a_shipment_failed_by_staff_is_an_override_and_by_its_courier_is_not(shop: ShopUnderTest) -> None:
    first, second = await shop.place({"pen": 1}), await shop.place({"pen": 1})
    await shop.run()
    for viewer, order in ((COURIER, first), (MANAGER, second)):
        async with shop.db.transaction() as tx:
            await shipments.fail(tx, viewer, (order, 1), "Lost")
    (entry,) = await entries(shop)
    assert (entry.action, entry.subject, entry.reason) == (FulfilmentAction.ShipmentFailed, order_id(second), "Lost")
    assert (entry.before, entry.after) == ({"status": "BOOKED"}, {"status": "FAILED"})


async def test_retrying_and_giving_up_work_are_overrides(shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1})
    await shop.run("allocation")
    key = WorkKey(order, 1, "billing")
    park = "UPDATE work SET parked_at = clock_timestamp(), last_error = 'no answer'"
    await shop.execute(park)
    async with shop.db.transaction() as tx:
        await work.retry(tx, SUPPORT, key)
    await shop.execute(park)
    async with shop.db.transaction() as tx:
        await work.give_up(tx, SUPPORT, key, "Unpayable")
    gave_up, retried = await entries(shop)
    assert (gave_up.action, gave_up.reason) == (ParkedAction.WorkGivenUp, "Unpayable")
    assert (gave_up.before, gave_up.after) == ({"status": "PENDING"}, {"status": "FAILED"})
    assert (retried.action, retried.by) == (ParkedAction.WorkRetried, SUPPORT.actor)


async def test_changes_of_fraud_settings_are_recorded_with_before_after_and_reason(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await fraud.set_spending_limit(tx, MANAGER, 700, "USD")
        await fraud.clear_spending(tx, MANAGER, "New year")
    cleared, limited = await entries(shop)
    assert (limited.action, limited.subject) == (FraudAction.FraudSettingsChanged, "SpendingLimitSet")
    assert (limited.before, limited.after) == ({"limit": 0, "currency": "USD"}, {"limit": 700, "currency": "USD"})
    assert (cleared.subject, cleared.reason) == ("SpendingCleared", "New year")


async def test_products_warehouses_and_stock_changed_by_people_are_recorded_with_what_changed(
    shop: ShopUnderTest,
) -> None:
    async with shop.db.transaction() as tx:
        await catalog.upsert_products(
            tx, MANAGER, [Product("pen", "pen", 1250, "USD"), Product("ink", "Ink", 5, "USD")]
        )
        await catalog.upsert_warehouses(tx, MANAGER, [Warehouse("east", "Eastern")])
        await stock.set_stock(tx, MANAGER, [StockCount("pen", "east", 9)])
        await stock.set_stock(tx, MANAGER, [StockCount("pen", "east", 9)])  # as it is already
    changes = {(e.action, e.subject): (e.before, e.after) for e in await entries(shop)}
    assert changes == {
        (CatalogAction.ProductChanged, "pen"): ({"unit_price_minor": 1000}, {"unit_price_minor": 1250}),
        (CatalogAction.ProductChanged, "ink"): (
            None, {"sku": "ink", "name": "Ink", "unit_price_minor": 5, "currency": "USD", "tax_bps": None},
        ),
        (CatalogAction.WarehouseChanged, "east"): ({"name": "east"}, {"name": "Eastern"}),
        (InventoryAction.StockSet, "pen in east"): ({"onHand": 5}, {"onHand": 9}),
    }  # fmt: skip


async def test_a_machines_load_is_one_entry_however_much_it_changed(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        products = [Product(str(number), "Thing", 100, "USD") for number in range(50)]
        await catalog.upsert_products(tx, MACHINE, products)
        await catalog.upsert_products(tx, MACHINE, products)  # changes nothing
    (entry,) = await entries(shop)
    assert (entry.action, entry.subject, entry.after) == (
        CatalogAction.CatalogLoaded,
        "ProductChanged",
        {"changed": 50},
    )
    assert entry.principal == "token:9"


def refusal_of(viewer: Viewer, operation: Permission) -> Refused:
    with pytest.raises(Refused) as refusal:
        require(viewer, operation)
    return refusal.value


async def test_a_flood_of_refusals_makes_one_entry_a_minute_that_counts_them(shop: ShopUnderTest) -> None:
    now_s = 0.0
    recorder = RefusalRecorder(shop.db, clock=lambda: now_s)
    refusal = refusal_of(COURIER, FraudPermission.SET_FRAUD)
    for _ in range(500):
        recorder.add(COURIER, refusal)
        await recorder.write()
    (first,) = await entries(shop)
    assert (first.action, first.by, first.reason) == (RefusalAction.OperationRefused, COURIER.actor, str(refusal))
    assert first.after == {"times": 1}
    now_s = EVERY_S
    await recorder.write()
    assert (await entries(shop))[0].after == {"times": 499}


async def test_another_caller_or_another_refusal_has_an_entry_of_its_own(shop: ShopUnderTest) -> None:
    recorder = RefusalRecorder(shop.db)
    recorder.add(COURIER, refusal_of(COURIER, FraudPermission.SET_FRAUD))
    recorder.add(COURIER, refusal_of(COURIER, FraudPermission.READ_FRAUD))
    recorder.add(SUPPORT, refusal_of(SUPPORT, FraudPermission.SET_FRAUD))
    await recorder.write()
    assert len(await entries(shop)) == 3


async def test_forbidden_operations_are_grouped_by_their_reason(shop: ShopUnderTest) -> None:
    recorder = RefusalRecorder(shop.db)
    narrow = Viewer("cart", Role.SERVICE, principal="token:8", scope=frozenset())
    recorder.add(COURIER, refusal_of(COURIER, FraudPermission.SET_FRAUD))
    recorder.add(SUPPORT, refusal_of(SUPPORT, FraudPermission.SET_FRAUD))
    recorder.add(narrow, refusal_of(narrow, PlacingPermission.PLACE_ORDER))
    not_yours, unpriced = (
        Problem(AccessReason.NOT_YOURS, wording("Not yours.")),
        Problem(InputReason.EMPTY, wording("Nothing.")),
    )
    recorder.add(customer("ana"), Refused(not_yours, unpriced))
    await recorder.write()
    subjects = Counter(entry.subject for entry in await entries(shop, action=RefusalAction.OperationRefused))
    assert subjects == {"ROLE_NOT_ALLOWED": 2, "TOKEN_NOT_ALLOWED": 1, "NOT_YOURS": 1}
    assert [entry.principal for entry in await entries(shop, subject="TOKEN_NOT_ALLOWED")] == ["token:8"]


async def test_refusals_with_other_codes_are_not_recorded(shop: ShopUnderTest) -> None:
    recorder = RefusalRecorder(shop.db)
    recorder.add(MANAGER, refused(OrderReason.NOT_BOOKED, wording("Not now.")))
    await recorder.write(all_of_them=True)
    assert await entries(shop) == []


async def test_refusals_survive_an_outage_of_the_database(shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = RefusalRecorder(shop.db)
    recorder.add(COURIER, refusal_of(COURIER, FraudPermission.SET_FRAUD))
    with monkeypatch.context() as outage:
        outage.setattr(shop.db, "transaction", _unavailable)
        with pytest.raises(OSError, match="unavailable"):
            await recorder.write()
    await recorder.write()
    assert len(await entries(shop)) == 1


async def test_recording_continues_after_a_fault(shop: ShopUnderTest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeats, "WRITE_EVERY_S", 0.01)
    recorder = RefusalRecorder(shop.db)
    recorder.add(COURIER, refusal_of(COURIER, FraudPermission.SET_FRAUD))
    tried = asyncio.Event()

    def fail() -> None:
        tried.set()
        raise ValueError("a fault of ours")

    with capture_logs() as logs:
        with monkeypatch.context() as faulty:
            faulty.setattr(shop.db, "transaction", fail)
            running = asyncio.create_task(recorder.run())
            await tried.wait()
        async with asyncio.timeout(5):
            while not await entries(shop):  # noqa: ASYNC110 - the database sends no notification
                await asyncio.sleep(0.02)
    running.cancel()
    assert logs[0]["log_level"] == "error"


def _unavailable() -> None:
    raise OSError("the database is unavailable")


async def test_customers_are_never_named(shop: ShopUnderTest) -> None:
    ana = Viewer("Ana Canary", Role.CUSTOMER, "ana", principal="account:7")
    recorder = RefusalRecorder(shop.db)
    recorder.add(ana, refusal_of(ana, FraudPermission.SET_FRAUD))
    await recorder.write()
    (entry,) = await entries(shop)
    assert (entry.by, entry.principal) == (Actor("customer", Role.CUSTOMER), "account:7")
