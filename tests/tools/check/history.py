"""A small honest shop in which everything possible has happened, so that the checker meets every status."""

import asyncio
from datetime import timedelta
from uuid import UUID

from oms.domain.approvals import commands as approvals
from oms.domain.approvals.model import Act, Request
from oms.domain.audit.chain.retention import remove_entries
from oms.domain.audit.model import OPERATOR, Entry
from oms.domain.audit.record import record
from oms.domain.fraud import commands as fraud
from oms.domain.identity import account_commands as accounts
from oms.domain.identity import session_commands as sessions
from oms.domain.identity.accounts import NewAccount
from oms.domain.notes import commands as notes
from oms.domain.parked.commands import retry
from oms.domain.pictures import commands as pictures
from oms.domain.pictures.model import Picture
from oms.domain.shop_settings import commands as shop_settings
from oms.domain.shop_settings.model import LOGO_BYTES, Choices
from oms.domain.tokens import commands as access
from oms.domain.tokens.policy import TokenAction
from oms.domain.vocabulary.actor import Role
from oms.domain.work import store as work_store
from oms.domain.work.model import WorkKey
from oms.providers.ports import BookingAnswer, BookingRequest, ChargeAnswer, ChargeRequest, ProviderUnavailable
from tests.pictures import png
from tests.schema.api import DEFAULT_SHOP
from tests.shop import MANAGER, SESSION_RULES, SUPPORT, ShopUnderTest

Orders = dict[str, UUID]
"""By what happened to them."""


class SilentBilling:
    """Charges, but loses the answers; never refunds."""

    def __init__(self, shop: ShopUnderTest) -> None:
        self.charge_at = shop.sandbox.charge
        self.invoice = shop.sandbox.invoice

    async def charge(self, request: ChargeRequest, /) -> ChargeAnswer:
        await self.charge_at(request)
        raise ProviderUnavailable("the answer got lost")

    async def refund(self, _: object, /) -> None:
        raise ProviderUnavailable("nobody there")


class SilentCourier:
    """Never answers."""

    async def book(self, _: BookingRequest, /) -> BookingAnswer:
        raise ProviderUnavailable("nobody there")

    async def release(self, _: str, /) -> None:
        raise ProviderUnavailable("nobody there")


async def live_through(shop: ShopUnderTest) -> Orders:
    """Everything once, in an order in which no step disturbs an earlier one."""
    await _audited(shop)
    await shop.stock_up({"MUG": {"A": 1000}, "CUP": {"A": 4, "B": 5}, "JUG": {"A": 2}, "URN": {"A": 0}})
    await shop.stock_up({"TASSE": {"A": 10}}, currency="EUR")
    async with shop.db.transaction() as tx:
        await access.issue_token(tx, role=Role.CUSTOMER, name="Ana", customer_reference="ana", days=None)
        account = await accounts.add(tx, OPERATOR, NewAccount("ana", "Ana", Role.CUSTOMER, "ana"), "nobody's")
        await sessions.start(tx, account, SESSION_RULES, by="password", address="192.0.2.7")
        await fraud.set_spending_limit(tx, MANAGER, 90_000, "USD")
        await fraud.set_spending_limit(tx, MANAGER, 4_000, "EUR")
    orders = await _amended(shop)
    orders |= await _delivered(shop)
    async with shop.db.transaction() as tx:
        await fraud.clear_spending(tx, MANAGER, "A new year")
    await _rejected_request(shop)
    await _named(shop)
    async with shop.db.transaction() as tx:
        await notes.add_note(tx, SUPPORT, orders["booked"], "Called, no answer")
        await notes.add_note(tx, MANAGER, orders["booked"], "Tries again tomorrow")
    orders |= await _ended(shop)
    orders |= await _under_way(shop)
    await shop.seal()
    return orders


async def _named(shop: ShopUnderTest) -> None:
    """A manager chose the shop's name, logo and deadline, and a product's picture."""
    choices = Choices(name="Harbour", amendment_timeout_s=3600)
    async with shop.db.transaction() as tx:
        await shop_settings.set_shop_settings(tx, MANAGER, Choices(name="Port"), DEFAULT_SHOP)
        await shop_settings.set_shop_settings(tx, MANAGER, choices, DEFAULT_SHOP)
        await shop_settings.set_logo(tx, MANAGER, Picture.of(png(), max_bytes=LOGO_BYTES))
        await pictures.set_product_picture(tx, MANAGER, "MUG", Picture.of(png(), max_bytes=LOGO_BYTES))


async def _audited(shop: ShopUnderTest) -> None:
    """Old entries of the audit log were removed, so that its chain begins with an anchor."""
    async with shop.db.transaction() as tx:
        for number in range(3):
            await record(tx, OPERATOR, Entry(TokenAction.TokenIssued, f"token:{number}"))
    await shop.execute("UPDATE audit_events SET at = at - interval '400 days'")
    await shop.seal()
    async with shop.owner.transaction() as tx:
        assert await remove_entries(tx, timedelta(days=365)) == 3


async def _rejected_request(shop: ShopUnderTest) -> None:
    """Support requested the erasure of a customer, and a manager rejected it."""
    async with shop.db.transaction() as tx:
        await approvals.request(tx, SUPPORT, Request(Act.ERASE_CUSTOMER, "cus_1", "Asked by phone"))
    [(waiting,)] = await shop.rows("SELECT id FROM approvals")
    async with shop.db.transaction() as tx:
        await approvals.reject(tx, MANAGER, waiting)


async def _amended(shop: ShopUnderTest) -> Orders:
    orders = {
        "waiting": await shop.place([("JUG", 1), ("JUG", 2)]),
        "accepted": await shop.place({"MUG": 1, "URN": 3}),
        "nothing_there": await shop.place({"URN": 1}),
        "cancelled_amended": await shop.place({"MUG": 1, "URN": 1}),
    }
    await shop.run("allocation")
    await shop.accept(orders["accepted"])
    await shop.cancel(orders["cancelled_amended"])
    answer_within = shop.work.answer_within
    object.__setattr__(shop.work, "answer_within", timedelta(milliseconds=50))
    orders["timed_out"] = await shop.place({"MUG": 1, "URN": 1})
    await shop.run("allocation")
    object.__setattr__(shop.work, "answer_within", answer_within)
    await asyncio.sleep(0.1)
    await shop.run()
    return orders


async def _delivered(shop: ShopUnderTest) -> Orders:
    orders = {
        "completed": await shop.place([("MUG", 1), ("MUG", 2)]),
        "split": await shop.place({"CUP": 7, "MUG": 1}),
        "dispatched": await shop.place({"MUG": 1}),
        "booked": await shop.place({"MUG": 2}),
        "in_euros": await shop.place({"TASSE": 1}),
    }
    await shop.run()
    await shop.dispatch(orders["completed"])
    await shop.deliver(orders["completed"])
    await shop.dispatch(orders["split"], 1)
    await shop.dispatch(orders["split"], 2)
    await shop.deliver(orders["split"], 1)
    await shop.fail(orders["split"], 2)
    await shop.dispatch(orders["dispatched"])
    await shop.try_again(orders["dispatched"])
    await shop.run()
    return orders


async def _ended(shop: ShopUnderTest) -> Orders:
    orders = {
        "cancelled_pending": await shop.place({"MUG": 1}),
        "declined": await shop.place({"MUG": 1}, payment_method="sandbox-declined"),
        "over_limit": await shop.place({"MUG": 100}, customer="bo"),
        "refunded": await shop.place({"MUG": 1}),
        "lost": await shop.place({"MUG": 1}),
        "never_collected": await shop.place({"MUG": 1}),
    }
    await shop.cancel(orders["cancelled_pending"])
    await shop.run()
    await shop.cancel(orders["refunded"])
    await shop.dispatch(orders["lost"])
    await shop.fail(orders["lost"])
    await shop.fail(orders["never_collected"])
    await shop.run()
    return orders


async def _under_way(shop: ShopUnderTest) -> Orders:
    """Orders that wait for a provider, for support, for the end of maintenance or for a worker."""
    orders = {"refund_due": await shop.place({"MUG": 1})}
    await shop.run()
    object.__setattr__(shop.work, "courier", SilentCourier())
    orders["paid"] = await shop.place({"MUG": 1})
    await shop.run()
    object.__setattr__(shop.work, "billing", SilentBilling(shop))
    object.__setattr__(shop.work, "attempts", 1)
    orders["parked"] = await shop.place({"MUG": 1})
    orders["retried"] = await shop.place({"MUG": 1})
    await shop.run("allocation", "billing")
    object.__setattr__(shop.work, "attempts", 100)
    async with shop.db.transaction() as tx:
        await retry(tx, SUPPORT, WorkKey(orders["retried"], 1, "billing"))
    orders |= {"charging": await shop.place({"MUG": 1}), "in_flight": await shop.place({"MUG": 1})}
    await shop.cancel(orders["refund_due"])
    await shop.run()
    await shop.cancel(orders["in_flight"])
    async with shop.db.transaction() as tx:
        await fraud.set_maintenance(tx, MANAGER, enabled=True)
    orders["held"] = await shop.place({"MUG": 1})
    await shop.run()
    orders["pending"] = await shop.place({"MUG": 1})
    async with shop.db.transaction() as tx:
        await work_store.claim(tx, "allocation", limit=1, lease=timedelta(minutes=1))
    return orders
