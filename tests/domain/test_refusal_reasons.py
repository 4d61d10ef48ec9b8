"""Every reason of a refusal: which command or query gives it, with which code, path and message."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from unittest import mock
from uuid import UUID

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.approvals import commands as approvals
from oms.domain.approvals.model import Act, Request
from oms.domain.approvals.rules import SecondPerson
from oms.domain.audit.model import OPERATOR
from oms.domain.cancellation import commands as cancellation
from oms.domain.catalog import commands as catalog
from oms.domain.catalog import queries as catalog_queries
from oms.domain.catalog.model import Product
from oms.domain.concepts import REGISTRY
from oms.domain.confirmed_acts import carry_out
from oms.domain.fulfilment import commands as fulfilment
from oms.domain.identity import account_commands, passwords, people_commands, session_commands
from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.inventory import commands as inventory
from oms.domain.inventory.commands import StockCount
from oms.domain.order.details import OrderDetails
from oms.domain.order.events import OrderEvent
from oms.domain.order_queries import lists
from oms.domain.order_queries.finding.selection import OrderQuery
from oms.domain.order_queries.lists import OrderSort
from oms.domain.parked import commands as parked
from oms.domain.personal_data import commands as personal_data
from oms.domain.pictures.model import Picture
from oms.domain.placing import commands as placing
from oms.domain.placing import postal
from oms.domain.placing.limits import NO_LIMITS, PlacingLimits
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.quoting.rules import Prospect
from oms.domain.shop_settings import commands as shop_settings
from oms.domain.shop_settings.model import Choices
from oms.domain.tokens import commands as tokens
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Code, Problem, Refused
from oms.domain.vocabulary.ids import NO_ID, order_id
from oms.domain.vocabulary.money import Amounts
from oms.domain.vocabulary.permission import Permission
from oms.domain.vocabulary.wording import wording
from oms.domain.work.model import WorkKey
from oms.providers.ports import ProviderUnavailable, RequestRejected
from oms.schema import quoting
from tests.schema.api import DEFAULT_SHOP, Api
from tests.shop import CART, COURIER, MANAGER, SUPPORT, ShopUnderTest, customer

INVALID, NOT_FOUND, FORBIDDEN, CONFLICT, DUPLICATE = Code

Provoke = Callable[[ShopUnderTest], Awaitable[object]]
"""Raises Refused, or returns the refused result of a batch."""


@dataclass(frozen=True, slots=True)
class Case:
    """`advice`: the part of the message that says what is wrong and how to correct the request."""

    code: Code
    advice: str
    path: tuple[str, ...]
    provoke: Provoke


CASES: Final[dict[str, Case]] = {}


def case(reason: str, code: Code, advice: str, *path: str) -> Callable[[Provoke], Provoke]:
    def register(provoke: Provoke) -> Provoke:
        assert reason not in CASES, f"{reason} has two cases"
        CASES[reason] = Case(code, advice, path, provoke)
        return provoke

    return register


def test_each_registered_reason_has_a_case() -> None:
    assert CASES.keys() == REGISTRY.reasons.keys(), "add a case for a new reason; delete a reason that nothing gives"


@pytest.mark.parametrize("name", CASES)
async def test_a_refusal_has_its_reason_code_path_and_advice(shop: ShopUnderTest, name: str) -> None:
    expected = CASES[name]
    [problem] = await problems_of(shop, expected.provoke)
    assert problem.reason is REGISTRY.reasons[name]
    assert (problem.code, problem.path) == (expected.code, expected.path)
    assert expected.advice in problem.message
    assert problem.message.endswith(".")


async def problems_of(shop: ShopUnderTest, provoke: Provoke) -> tuple[Problem, ...]:
    try:
        result = await provoke(shop)
    except Refused as refusal:
        return refusal.problems
    assert isinstance(result, Refused), "it was not refused"
    return result.problems


# input


async def place(
    shop: ShopUnderTest, *, viewer: Viewer = CART, limits: PlacingLimits = NO_LIMITS, **fields: Any
) -> object:
    """Requests one MUG; `fields` are those of the request that differ."""
    await shop.stock_up({"MUG": {"A": 5}})
    request: dict[str, Any] = {
        "reference": "order",
        "customer_reference": "ana",
        "lines": (LineRequest("MUG", 1),),
        "payment_method": "sandbox-ok",
    }
    async with shop.db.transaction() as tx:
        [result] = await placing.place(tx, [(viewer, OrderRequest(**request | fields))], limits=limits)
    return result


@case("EMPTY", INVALID, "reference must not be empty", "reference")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, reference=" ")


@case("TOO_LONG", INVALID, "at most 100 are allowed", "reference")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, reference="r" * 101)


@case("UNSUPPORTED_CHARACTER", INVALID, "a NUL character or half a surrogate pair; remove it", "reference")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, reference="\0")


@case("INVISIBLE_CHARACTER", INVALID, "the invisible character U+200B; remove it", "reference")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, reference="order\u200b")


@case("MIXED_SCRIPTS", INVALID, "mixes Cyrillic and Latin letters, which look alike", "reference")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, reference="\u043erder")


@case("OUT_OF_RANGE", INVALID, "A quantity is from 1 to", "lines", "0", "quantity")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, lines=(LineRequest("MUG", 0),))


@case("BAD_CURRENCY", INVALID, "three capital letters, such as USD", "currency")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, currency="euro")


@case("BAD_EMAIL", INVALID, "such as name@example.com", "email")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, details=OrderDetails(email="nobody"))


@case("BAD_PHONE", INVALID, "such as +49 30 123456", "phone")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, details=OrderDetails(phone="call me"))


@case("BAD_COUNTRY", INVALID, "two capital letters such as PT", "shippingAddress", "country")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, details=OrderDetails(shipping_address={"country": "Portugal"}))


MUG: Final = Product("MUG", "Mug", 1000, "USD")


@case("TOO_MANY", INVALID, "send at most 1000 at once", "inputs")
async def _(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await catalog.upsert_products(tx, MANAGER, [MUG] * 1001)


@case("GIVEN_TWICE", INVALID, "send each entry once", "inputs", "1")
async def _(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await catalog.upsert_products(tx, MANAGER, [MUG, MUG])


@case("BAD_PAGE_SIZE", INVALID, "first is from 1 to 100", "first")
async def _(shop: ShopUnderTest) -> None:
    await catalog_queries.products(shop.db, MANAGER, first=0, after=None)


@case("BAD_CURSOR", INVALID, "leave it out to start at the beginning", "after")
async def _(shop: ShopUnderTest) -> None:
    await catalog_queries.products(shop.db, MANAGER, first=1, after="!")


@case("GIVE_EXACTLY_ONE", INVALID, "Give either id or reference, and not both", "id")
async def _(shop: ShopUnderTest) -> Refused:
    error = await Api(shop).refusal("{ customer { id } }")
    assert error.extensions
    reason = REGISTRY.reasons[error.extensions["reason"]]
    return Refused(Problem(reason, wording(error.message), tuple(error.extensions["path"])))


@case("SEARCH_HAS_NO_SORT", INVALID, "always newest first: leave sort out", "sort")
async def _(shop: ShopUnderTest) -> None:
    query = OrderQuery(search="MUG")
    await lists.page(shop.db, SUPPORT, query, first=1, after=None, sort=OrderSort.WAITING_LONGEST)


@case("TOO_MANY_TO_SORT", INVALID, "choose a status, a customer, or some days", "sort")
async def _(shop: ShopUnderTest) -> None:
    await place(shop, reference="one")
    await place(shop, reference="two")
    with mock.patch("oms.domain.order_queries.counts.MAX_COUNTED", 1), mock.patch.object(lists, "MAX_COUNTED", 1):
        await lists.page(shop.db, SUPPORT, OrderQuery(), first=1, after=None, sort=OrderSort.LARGEST_TOTAL)


@case("TOO_MANY_WORDS", INVALID, "has more than 8 words: leave some out", "search")
async def _(shop: ShopUnderTest) -> None:
    await lists.page(shop.db, SUPPORT, OrderQuery(search="a b c d e f g h i"), first=1, after=None)


# permissions


@case("ROLE_NOT_ALLOWED", FORBIDDEN, "As MANAGER you can't place an order; that needs one of: CUSTOMER, SERVICE")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, viewer=MANAGER)


@case("TOKEN_NOT_ALLOWED", FORBIDDEN, "With this token you can't place an order: it was issued for other operations")
async def _(shop: ShopUnderTest) -> object:
    scope: frozenset[Permission] = frozenset()
    return await place(shop, viewer=Viewer("cart", Role.SERVICE, scope=scope))


@case("NOT_YOURS", FORBIDDEN, "leave customerReference out", "customerReference")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, viewer=customer("bo"))


# placing an order


@case("UNKNOWN_PRODUCT", INVALID, "add it to the catalogue first", "lines", "0", "sku")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, lines=(LineRequest("LAMP", 1),))


@case("REFERENCE_TAKEN", DUPLICATE, "give this one another", "reference")
async def _(shop: ShopUnderTest) -> object:
    await place(shop)
    return await place(shop, payment_method="another")


@case("PRICE_NOT_ALLOWED", FORBIDDEN, "leave unitPrice out", "lines", "0", "unitPrice")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, viewer=customer("ana"), lines=(LineRequest("MUG", 1, 5),))


@case("CURRENCY_MISMATCH", INVALID, "MUG is priced in USD, the order is in EUR: use one currency", "lines", "0", "sku")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, currency="EUR")


@case("ORDER_TOO_LARGE", INVALID, "split it into several orders", "lines")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, lines=(LineRequest("MUG", 1_000_000, 2**53 - 1),))


@case("TOO_MANY_LINES", INVALID, "at most 1 lines; this one has 2: split it", "lines")
async def _(shop: ShopUnderTest) -> object:
    limits = PlacingLimits(order_lines=1)
    return await place(shop, viewer=customer("ana"), limits=limits, lines=(LineRequest("MUG", 1),) * 2)


@case("QUANTITY_TOO_LARGE", INVALID, "at most 1 of an item at once", "lines", "0", "quantity")
async def _(shop: ShopUnderTest) -> object:
    limits = PlacingLimits(line_units=1)
    return await place(shop, viewer=customer("ana"), limits=limits, lines=(LineRequest("MUG", 2),))


@case("TOO_MANY_OPEN_ORDERS", CONFLICT, "wait until one ends")
async def _(shop: ShopUnderTest) -> object:
    limits = PlacingLimits(open_orders=1)
    await place(shop, viewer=customer("ana"), limits=limits)
    return await place(shop, viewer=customer("ana"), limits=limits, reference="another")


@case("TOO_MANY_UNPAID_UNITS", CONFLICT, "order less, or cancel an order that waits for your answer", "lines")
async def _(shop: ShopUnderTest) -> object:
    limits = PlacingLimits(unpaid_units=1)
    return await place(shop, viewer=customer("ana"), limits=limits, lines=(LineRequest("MUG", 2),))


@case("TOO_MUCH_UNPAID", CONFLICT, "wait until they are paid", "lines")
async def _(shop: ShopUnderTest) -> object:
    return await place(shop, viewer=customer("ana"), limits=PlacingLimits(unpaid_minor=Amounts((("USD", 1),))))


# orders and shipments


async def booked(shop: ShopUnderTest) -> UUID:
    await shop.stock_up({"MUG": {"A": 5}})
    order = await shop.place({"MUG": 1})
    await shop.run()
    return order


async def amended(shop: ShopUnderTest, *, units: int = 1) -> UUID:
    """Two MUGs are ordered, `units` are on hand."""
    await shop.stock_up({"MUG": {"A": units}})
    order = await shop.place({"MUG": 2})
    await shop.run()
    return order


@case("ORDER_NOT_FOUND", NOT_FOUND, "There is no such order", "orderId")
async def _(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await cancellation.cancel(tx, SUPPORT, NO_ID, None)


@case("SHIPMENT_NOT_FOUND", NOT_FOUND, "There is no such shipment", "shipmentId")
async def _(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await fulfilment.fail(tx, COURIER, (NO_ID, 1), "Lost")


@case("NOT_AWAITING_ACCEPTANCE", CONFLICT, "it can be accepted only while it is CUSTOMER_ACTION_REQUIRED")
async def _(shop: ShopUnderTest) -> None:
    await shop.accept(await booked(shop))


@case("NOTHING_TO_ACCEPT", CONFLICT, "there is nothing to accept: cancel it")
async def _(shop: ShopUnderTest) -> None:
    await shop.accept(await amended(shop, units=0))


@case("ACTION_DEADLINE_PASSED", CONFLICT, "place a new order for the available items")
async def _(shop: ShopUnderTest) -> None:
    order = await amended(shop)
    await shop.execute("UPDATE orders SET action_deadline = clock_timestamp() - interval '1 ms'")
    await shop.accept(order)


@case("TOO_LATE_TO_CANCEL", CONFLICT, "A shipment is already on its way")
async def _(shop: ShopUnderTest) -> None:
    order = await booked(shop)
    await shop.dispatch(order)
    await shop.cancel(order)


@case("NOT_CANCELLABLE", CONFLICT, "it can be cancelled only while it is CUSTOMER_ACTION_REQUIRED or PENDING or PROCE")
async def _(shop: ShopUnderTest) -> None:
    order = await booked(shop)
    await shop.cancel(order)
    await shop.cancel(order)


@case("NOT_BOOKED", CONFLICT, "The shipment is DISPATCHED; it can be dispatched only while it is BOOKED")
async def _(shop: ShopUnderTest) -> None:
    order = await booked(shop)
    await shop.dispatch(order)
    await shop.dispatch(order)


@case("NOT_DISPATCHED", CONFLICT, "The shipment is BOOKED; it can be delivered only while it is DISPATCHED")
async def _(shop: ShopUnderTest) -> None:
    await shop.deliver(await booked(shop))


@case("NO_ATTEMPT_LEFT", CONFLICT, "This was attempt 3 of 3: report the shipment as failed.")
async def _(shop: ShopUnderTest) -> None:
    order = await booked(shop)
    await shop.dispatch(order)
    for _ in range(3):
        await shop.try_again(order)


@case("NOT_WITH_COURIER", CONFLICT, "only one that is BOOKED or DISPATCHED can be reported as failed")
async def _(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    order = await shop.place({"MUG": 1})
    await shop.run("allocation")
    async with shop.db.transaction() as tx:
        await fulfilment.fail(tx, SUPPORT, (order, 1), "Lost")


@case("STATUS_CHANGED", CONFLICT, "The order is PROCESSING; ItemsAllocated can happen only while it is PENDING")
async def _(shop: ShopUnderTest) -> None:
    """No command is refused with it: jobs check the status first. It stops a job that forgets to."""
    order = await shop.order(await booked(shop))
    order.record(OrderEvent.ItemsAllocated, by=OPERATOR, at=order.placed_at)


# stuck jobs


KIM = Viewer("kim", Role.SUPPORT)


async def decide(shop: ShopUnderTest, viewer: Viewer, approval_id: UUID | None = None) -> None:
    """Confirms kim's request to cancel an order, or another request."""
    order = await booked(shop)
    async with shop.db.transaction() as tx:
        await approvals.request(tx, KIM, Request(Act.CANCEL_ORDER, order_id(order), None))
    [(waiting,)] = await shop.rows("SELECT id FROM approvals")
    async with shop.db.transaction() as tx:
        await approvals.confirm(tx, viewer, approval_id or waiting, carry_out)


@case("NEEDS_SECOND_PERSON", CONFLICT, "is done when somebody else confirms it")
async def _(shop: ShopUnderTest) -> None:
    order = await booked(shop)
    async with shop.db.transaction() as tx:
        await cancellation.cancel(tx, SUPPORT, order, None, second_person=SecondPerson(Amounts((("USD", 1),))))


@case("APPROVAL_NOT_FOUND", NOT_FOUND, "it may have been confirmed or rejected already", "approvalId")
async def _(shop: ShopUnderTest) -> None:
    await decide(shop, SUPPORT, NO_ID)


@case("OWN_REQUEST", FORBIDDEN, "another person must confirm it. You may reject it")
async def _(shop: ShopUnderTest) -> None:
    await decide(shop, KIM)


@case("NOT_PARKED", NOT_FOUND, "No stuck job has this id; it may have been retried already", "workId")
async def _(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await parked.retry(tx, SUPPORT, WorkKey(NO_ID, 0, "allocation"))


@case("CANNOT_BE_GIVEN_UP", CONFLICT, "retry it, or cancel the order")
async def _(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    order = await shop.place({"MUG": 1})
    await shop.execute("UPDATE work SET parked_at = clock_timestamp()")
    async with shop.db.transaction() as tx:
        await parked.give_up(tx, SUPPORT, WorkKey(order, 0, "allocation"), "It never works")


# stock


async def count(shop: ShopUnderTest, **fields: Any) -> None:
    """Sets the stock of MUGs to 7, where 5 are on hand and 2 of them allocated; `fields` differ."""
    await shop.stock_up({"MUG": {"A": 5}})
    await shop.place({"MUG": 2})
    await shop.run()
    values: dict[str, Any] = {"sku": "MUG", "warehouse_code": "A", "on_hand": 7}
    async with shop.db.transaction() as tx:
        await inventory.set_stock(tx, MANAGER, [StockCount(**values | fields)])


@case("UNKNOWN_WAREHOUSE", INVALID, "There is no warehouse 'B'; add it first", "inputs", "0", "warehouseCode")
async def _(shop: ShopUnderTest) -> None:
    await count(shop, warehouse_code="B")


@case("STOCK_CHANGED", CONFLICT, "5 are on hand, not 4: read the stock again", "inputs", "0", "expectedOnHand")
async def _(shop: ShopUnderTest) -> None:
    await count(shop, expected=4)


@case("BELOW_ALLOCATED", CONFLICT, "2 units are allocated to orders; set at least that many", "inputs", "0", "onHand")
async def _(shop: ShopUnderTest) -> None:
    await count(shop, on_hand=1)


# accounts and sessions

PASSWORD: Final = "four wet penguins juggle"
NEW_PASSWORD: Final = "nine dry walruses hum"


async def add(
    shop: ShopUnderTest,
    login: str = "ana",
    role: Role = Role.SUPPORT,
    customer_reference: str | None = None,
    password: str | None = None,
    warehouses: frozenset[str] | None = None,
) -> Account:
    password_hash = await passwords.hashed(password) if password else None
    async with shop.db.transaction() as tx:
        new = NewAccount(login, "Ana", role, customer_reference, warehouses)
        return await account_commands.add(tx, OPERATOR, new, password_hash)


async def change_password(shop: ShopUnderTest, *, current: str = PASSWORD, new: str = NEW_PASSWORD) -> None:
    ana = await add(shop, password=PASSWORD)
    await account_commands.change_password(shop.db, ana.viewer, current=current, new=new, breached=None)


@case("ACCOUNT_NOT_FOUND", NOT_FOUND, "There is no account with this login; see: user list", "login")
async def _(shop: ShopUnderTest) -> None:
    await account_commands.of_login(shop.db, "nobody")


@case("LOGIN_TAKEN", DUPLICATE, "choose another", "login")
async def _(shop: ShopUnderTest) -> None:
    await add(shop)
    await add(shop, "ANA")


@case("OWN_ACCOUNT", FORBIDDEN, "ask another manager", "personId")
async def _(shop: ShopUnderTest) -> None:
    own = await add(shop, role=Role.MANAGER)
    async with shop.db.transaction() as tx:
        await people_commands.set_disabled(tx, own.viewer, own.id, disabled=True)


@case("LAST_MANAGER", CONFLICT, "make another person a manager first", "personId")
async def _(shop: ShopUnderTest) -> None:
    last = await add(shop, role=Role.MANAGER)
    async with shop.db.transaction() as tx:
        await people_commands.set_disabled(tx, MANAGER, last.id, disabled=True)


@case("BAD_LOGIN", INVALID, "one word, such as ana or ana@example.com", "login")
async def _(shop: ShopUnderTest) -> None:
    await add(shop, "ana smith")


@case("ROLE_FOR_MACHINES", INVALID, "issue a token for the machine instead", "role")
async def _(shop: ShopUnderTest) -> None:
    await add(shop, role=Role.SERVICE)


@case("ROLE_NEEDS_CUSTOMER", INVALID, "Give a customer reference with the role CUSTOMER, and only with it", "customer")
async def _(shop: ShopUnderTest) -> None:
    await add(shop, role=Role.SUPPORT, customer_reference="ana")


@case("ROLE_HAS_NO_WAREHOUSES", INVALID, "Only a COURIER is limited to warehouses; leave them out", "warehouses")
async def _(shop: ShopUnderTest) -> None:
    await add(shop, role=Role.SUPPORT, warehouses=frozenset({"NORTH"}))


@case("NOT_LINKED", CONFLICT, "has to sign in at the provider once", "login")
async def _(shop: ShopUnderTest) -> None:
    ana = await add(shop, password=PASSWORD)
    async with shop.db.transaction() as tx:
        await account_commands.remove_password(tx, OPERATOR, ana.id)


@case("WRONG_PASSWORD", INVALID, "not your present password; try again", "presentPassword")
async def _(shop: ShopUnderTest) -> None:
    await change_password(shop, current="guessed")


@case("WEAK_PASSWORD", INVALID, "at least 12 characters; a few words in a row are a good one", "newPassword")
async def _(shop: ShopUnderTest) -> None:
    await change_password(shop, new="short")


@case("ACCOUNT_CHANGED", CONFLICT, "Your account was changed just now: sign in again")
async def _(shop: ShopUnderTest) -> None:
    async def changed_meanwhile(*_: object) -> list[Problem]:
        await shop.execute("UPDATE accounts SET changed_at = clock_timestamp()")
        return []

    with mock.patch.object(passwords, "problems_of", changed_meanwhile):
        await change_password(shop)


@case("SESSION_NOT_FOUND", NOT_FOUND, "There is no such session, or it has ended", "sessionId")
async def _(shop: ShopUnderTest) -> None:
    ana = await add(shop)
    async with shop.db.transaction() as tx:
        await session_commands.end_one(tx, ana.viewer, NO_ID)


@case("NO_ACCOUNT", FORBIDDEN, "A token has no account: sign in as a person")
async def _(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await session_commands.end_others(tx, Viewer("cart", Role.SERVICE, principal="token:1"))


@case("UNKNOWN_TIME_ZONE", INVALID, "give a name such as Europe/Berlin", "timeZone")
async def _(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await account_commands.set_preferences(tx, MANAGER, None, "Mars/Olympus")


# access tokens


async def issue(shop: ShopUnderTest, **fields: Any) -> None:
    values: dict[str, Any] = {"role": Role.COURIER, "name": "van", "customer_reference": None, "days": 1}
    async with shop.db.transaction() as tx:
        await tokens.issue_token(tx, **values | fields)


@case("TOKEN_NEEDS_CUSTOMER", INVALID, "Give a customer reference with the role CUSTOMER, and only with it", "customer")
async def _(shop: ShopUnderTest) -> None:
    await issue(shop, role=Role.CUSTOMER)


@case("TOKEN_HAS_NO_WAREHOUSES", INVALID, "Only a COURIER is limited to warehouses; leave them out", "warehouses")
async def _(shop: ShopUnderTest) -> None:
    await issue(shop, role=Role.SUPPORT, warehouses=frozenset({"NORTH"}))


@case("SCOPE_BEYOND_ROLE", INVALID, "leave it out of the scope: SET_FRAUD", "scope")
async def _(shop: ShopUnderTest) -> None:
    await issue(shop, scope=frozenset({REGISTRY.permissions["SET_FRAUD"]}))


@case("TOKEN_JUST_ROTATED", CONFLICT, "Wait until then, or rotate without overlap", "id")
async def _(shop: ShopUnderTest) -> None:
    await issue(shop)
    [(token_id,)] = await shop.rows("SELECT id FROM access_tokens")
    async with shop.db.transaction() as tx:
        for _ in range(2):
            await tokens.rotate_token(tx, token_id, days=90, overlap=timedelta(hours=1))


@case("TOKEN_NOT_FOUND", NOT_FOUND, "or it was revoked already; see: token list", "id")
async def _(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await tokens.revoke_token(tx, NO_ID)


# addresses and quotes


def refuse_address(**fields: str) -> None:
    address = {"name": "Ana", "line1": "1 Road", "city": "Town", "country": "US", "region": "NY", "postalCode": "12345"}
    raise Refused(*postal.problems(address | fields))


@case("ADDRESS_INCOMPLETE", INVALID, "Enter the street and number", "address", "line1")
async def _(shop: ShopUnderTest) -> None:
    refuse_address(line1="")


@case("BAD_POSTAL_CODE", INVALID, "enter one such as 10000", "address", "postalCode")
async def _(shop: ShopUnderTest) -> None:
    refuse_address(postalCode="1234")


@case("BAD_REGION", INVALID, "enter it as, for example, Alabama, Alaska", "address", "region")
async def _(shop: ShopUnderTest) -> None:
    refuse_address(region="Bavaria")


async def quote(shop: ShopUnderTest, failure: Exception) -> None:
    order = await booked(shop)
    prospect = Prospect(await shop.order(order), {})
    for shipment in prospect.order.shipments:
        shipment.payment.invoice = None
    context = Api(shop).context(CART)
    context.quotes = mock.Mock(quote=mock.AsyncMock(side_effect=failure))
    await quoting.priced(context, prospect)


@case("PRICES_UNAVAILABLE", CONFLICT, "try again in a minute")
async def _(shop: ShopUnderTest) -> None:
    await quote(shop, ProviderUnavailable("no answer"))


@case("NOT_BILLABLE", INVALID, "order fewer units", "lines")
async def _(shop: ShopUnderTest) -> None:
    await quote(shop, RequestRejected("INVALID", "too much"))


# personal data


@case("CUSTOMER_NOT_FOUND", NOT_FOUND, "an erased customer is found by the pseudonym", "reference")
async def _(shop: ShopUnderTest) -> None:
    async with shop.db.transaction() as tx:
        await personal_data.export(tx, MANAGER, "nobody")


@case("ORDERS_UNDER_WAY", CONFLICT, "Wait until they end, or cancel them, then erase", "reference")
async def _(shop: ShopUnderTest) -> None:
    await booked(shop)
    async with shop.db.transaction() as tx:
        await personal_data.erase(tx, MANAGER, "ana", "Requested on 1 May")


# the shop's settings, and pictures


async def set_shop(shop: ShopUnderTest, choices: Choices, **options: Any) -> None:
    async with shop.db.transaction() as tx:
        await shop_settings.set_shop_settings(tx, MANAGER, choices, DEFAULT_SHOP, **options)


@case("CURRENCY_IN_USE", CONFLICT, "Give the products prices in the new currency", "currency")
async def _(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    await set_shop(shop, Choices(currency="EUR"))


@case("SHOP_SETTINGS_CHANGED", CONFLICT, "look at them again, then save", "expectedVersion")
async def _(shop: ShopUnderTest) -> None:
    await set_shop(shop, Choices(name="Harbour"), expected_version=7)


@case("NOT_A_PICTURE", INVALID, "no whole PNG, JPEG or WebP picture; choose one", "picture")
async def _(_: ShopUnderTest) -> None:
    Picture.of(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "picture", max_bytes=1000)


@case("PICTURE_TOO_LARGE", INVALID, "has 2 kB; at most 1 kB are allowed", "picture")
async def _(_: ShopUnderTest) -> None:
    Picture.of(bytes(1001), "picture", max_bytes=1000)
