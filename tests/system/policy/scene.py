"""A shop in which every field of the schema has a value: orders of ana in each state, and one of ben."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from oms.domain.access.permissions import Viewer
from oms.domain.approvals import commands as approvals
from oms.domain.approvals.model import Act, Request
from oms.domain.audit.model import OPERATOR
from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product
from oms.domain.figures import store as figures
from oms.domain.figures.samples import sample
from oms.domain.fraud import commands as fraud
from oms.domain.identity import account_commands
from oms.domain.identity.accounts import NewAccount
from oms.domain.notes import commands as notes
from oms.domain.pictures import commands as pictures
from oms.domain.pictures.model import Picture
from oms.domain.shop_settings import commands as shop_settings
from oms.domain.shop_settings.model import Choices
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import account_id, customer_id, order_id, shipment_id
from tests.pictures import png
from tests.schema.api import DEFAULT_SHOP
from tests.shop import CART, COURIER, MANAGER, SUPPORT, ShopUnderTest, customer

ANA: Final = customer("ana")
BEN: Final = customer("ben")
VIEWERS: Final = {
    Role.CUSTOMER: ANA,
    Role.COURIER: COURIER,
    Role.MANAGER: MANAGER,
    Role.SUPPORT: SUPPORT,
    Role.SERVICE: CART,
}
PRICE_MINOR: Final = 31_337
"""Occurs in prices only."""

UNUSED: Final = UUID(int=0)
"""No order has this id: a quote of it is only a refusal."""

E_MAIL: Final = "ana@private.example"
_ADDRESS: Final = {"country": "PT"} | {
    name: f"an address's {name}" for name in ("name", "line1", "line2", "city", "region", "postalCode")
}


@dataclass(frozen=True, slots=True)
class Scene:
    """Orders of ana by their state, and `bens`. `split` has one delivered and one booked shipment.

    She placed `declined` herself, the cart the others. Somebody requested to cancel `parked`.
    """

    delivered: UUID
    split: UUID
    amended: UUID
    declined: UUID
    cancelled: UUID
    parked: UUID
    bens: UUID
    ana: str
    ben: str
    people: tuple[str, ...]
    tracking_number: str

    @property
    def parked_work(self) -> str:
        return f"wrk_{self.parked.hex}_1_billing"

    def arguments(self) -> dict[str, list[str]]:
        """Arguments of root fields; together they give every field a value."""
        of_ana = (self.delivered, self.split, self.amended, self.declined, self.cancelled, self.parked)
        return {
            "node": [f'(id: "{order_id(self.split)}")'],
            "order": [f'(id: "{order_id(each)}")' for each in of_ana],
            "shipment": [f'(id: "{shipment_id(each, 1)}")' for each in of_ana],
            "shipmentOfTrackingNumber": [f'(trackingNumber: "{self.tracking_number}")'],
            "customer": ['(reference: "ana")'],
            "product": ['(sku: "tea")'],
            "person": [f'(id: "{each}")' for each in self.people],
            "stock": ['(sku: "tea")'],
            "shopFigures": [_around_now()],
            "hourlyFigures": [_last_day()],
            "operationsSamples": [_last_day()],
            "checkAddress": ['(address: { country: "US" })'],
            "quoteOrder": [
                f'(input: {{ customerReference: "ana", lines: [{{ sku: "tea", quantity: {units} }}] }})'
                for units in (1, 0)
            ],
            "quotePlacedOrder": [f'(orderId: "{order_id(each)}")' for each in (self.split, UNUSED)],
        }


def _around_now() -> str:
    """The period in which everything happened, as arguments."""
    begin, end = (datetime.now(UTC) + days for days in (timedelta(days=-1), timedelta(days=1)))
    return f'(begin: "{begin.isoformat()}", end: "{end.isoformat()}")'


def _last_day() -> str:
    """A day that ends soon, as arguments: what is by the hour or minute is read for a day at most."""
    end = datetime.now(UTC) + timedelta(minutes=30)
    return f'(begin: "{(end - timedelta(days=1)).isoformat()}", end: "{end.isoformat()}")'


async def set_scene(shop: ShopUnderTest) -> Scene:
    await shop.stock_up({"tea": {"north": 9}, "mug": {"south": 3}}, price=PRICE_MINOR)
    async with shop.db.transaction() as tx:
        await catalog.upsert_products(tx, MANAGER, [Product("tea", "Tea", PRICE_MINOR, "USD", 700)])
        at_home = replace(MANAGER, session_id=uuid4(), address="192.0.2.7")
        await fraud.clear_spending(tx, at_home, "A new year")
        await fraud.set_spending_limit(tx, at_home, 50_000, "EUR")
        await shop_settings.set_shop_settings(tx, at_home, Choices(time_zone="UTC"), DEFAULT_SHOP)
        await shop_settings.set_logo(tx, at_home, Picture.of(png(), max_bytes=1000))
        await pictures.set_product_picture(tx, at_home, "tea", Picture.of(png(), max_bytes=1000))
    fields: dict[str, Any] = {"email": E_MAIL, "phone": "+351123456789", "shipping_address": _ADDRESS}
    delivered = await shop.place({"tea": 1}, **fields)
    split = await shop.place({"tea": 1, "mug": 1}, **fields)
    amended = await shop.place({"tea": 1, "mug": 99}, **fields)
    declined = await shop.place({"tea": 1}, payment_method="sandbox-declined", by=ANA, **fields)
    cancelled = await shop.place({"tea": 1}, **fields)
    bens = await shop.place({"tea": 1}, customer="ben")
    await shop.run()
    await shop.cancel(cancelled)
    for order in (delivered, split):
        await shop.dispatch(order)
        await shop.try_again(order)
        await shop.deliver(order)
    await shop.run()
    parked = await shop.place({"tea": 1}, **fields)
    await shop.run("allocation")
    await shop.execute(
        "UPDATE work SET parked_at = clock_timestamp(), last_error = 'no answer' WHERE queue = 'billing'"
    )
    cancellation = Request(Act.CANCEL_ORDER, order_id(parked), "Fraud", 100, "USD")
    async with shop.db.transaction() as tx:
        await notes.add_note(tx, SUPPORT, split, "Called, no answer")
        await approvals.request(tx, Viewer("kim", Role.SUPPORT), cancellation)
    people = (
        NewAccount("sam", "Sam", Role.CUSTOMER, "sam"),
        NewAccount("lou", "Lou", Role.COURIER, warehouses=frozenset({"north"})),
    )
    async with shop.db.transaction() as tx:
        accounts = [await account_commands.add(tx, OPERATOR, new) for new in people]
        await account_commands.set_disabled(tx, OPERATOR, accounts[0].id, disabled=True)
    await figures.count_new(shop.db)
    await sample(shop.db)
    [(tracking_number,)] = await shop.rows("SELECT tracking_number FROM shipments WHERE order_id = :id", id=delivered)
    ids = {reference: customer_id(key) for key, reference in await shop.rows("SELECT id, reference FROM customers")}
    return Scene(
        delivered,
        split,
        amended,
        declined,
        cancelled,
        parked,
        bens,
        ids["ana"],
        ids["ben"],
        tuple(account_id(each.id) for each in accounts),
        tracking_number,
    )


def narrowed(viewer: Viewer, *operations: Any) -> Viewer:
    """The same viewer with a token for these permissions only."""
    return Viewer(viewer.name, viewer.role, viewer.customer_reference, scope=frozenset(operations))
