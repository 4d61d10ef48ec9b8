"""Placing: what is refused and why, what makes two orders the same, what a price is."""

from typing import Any

import pytest

from oms.domain.catalog import commands as catalog
from oms.domain.catalog.model import Product
from oms.domain.inventory import commands as stock
from oms.domain.inventory.commands import StockCount
from oms.domain.order.details import OrderDetails
from oms.domain.placing import commands as orders
from oms.domain.placing.commands import Placed
from oms.domain.placing.request import LineRequest, OrderRequest
from oms.domain.vocabulary.errors import Code, Refused
from tests.shop import CART, COURIER, MANAGER, SUPPORT, ShopUnderTest, customer, together


def request(**given: Any) -> OrderRequest:
    changed = dict(given)
    values: dict[str, Any] = {
        "reference": "order-1",
        "customer_reference": "ana",
        "lines": (LineRequest("MUG", 1),),
        "payment_method": "sandbox-ok",
    }
    details = OrderDetails(*(changed.pop(name, None) for name in ("email", "shipping_address", "phone")))
    return OrderRequest(**(values | changed), details=details)


async def place(shop: ShopUnderTest, *requests: OrderRequest, viewer: Any = CART) -> list[Any]:
    async with shop.db.transaction() as tx:
        results = await orders.place(tx, [(viewer, request) for request in requests])
    return [result.id if isinstance(result, Placed) else result for result in results]


def problems(result: Any) -> set[tuple[str, tuple[str, ...]]]:
    assert isinstance(result, Refused), result
    assert all(problem.message for problem in result.problems)
    return {(problem.code.value, problem.path) for problem in result.problems}


BAD: list[tuple[dict[str, Any], tuple[str, ...], str]] = [
    ({"lines": ()}, ("lines",), "OUT_OF_RANGE"),
    ({"lines": tuple(LineRequest("MUG", 1) for _ in range(2001))}, ("lines",), "OUT_OF_RANGE"),
    ({"lines": (LineRequest("MUG", 0),)}, ("lines", "0", "quantity"), "OUT_OF_RANGE"),
    ({"lines": (LineRequest("MUG", 1), LineRequest("MUG", -1))}, ("lines", "1", "quantity"), "OUT_OF_RANGE"),
    ({"lines": (LineRequest("MUG", 1_000_001),)}, ("lines", "0", "quantity"), "OUT_OF_RANGE"),
    ({"lines": (LineRequest("NOPE", 1),)}, ("lines", "0", "sku"), "UNKNOWN_PRODUCT"),
    ({"lines": (LineRequest("MUG\x00", 1),)}, ("lines", "0", "sku"), "UNSUPPORTED_CHARACTER"),
    ({"lines": (LineRequest("MUG", 1, -1),)}, ("lines", "0", "unitPrice"), "OUT_OF_RANGE"),
    ({"lines": (LineRequest("MUG", 1_000_000, 2**53 - 1),)}, ("lines",), "ORDER_TOO_LARGE"),
    ({"lines": (LineRequest("MUG", 1), LineRequest("TASSE", 1))}, ("lines", "1", "sku"), "CURRENCY_MISMATCH"),
    ({"currency": "EUR"}, ("lines", "0", "sku"), "CURRENCY_MISMATCH"),
    ({"currency": "euro"}, ("currency",), "BAD_CURRENCY"),
    ({"reference": ""}, ("reference",), "EMPTY"),
    ({"reference": "  "}, ("reference",), "EMPTY"),
    ({"reference": "r" * 101}, ("reference",), "TOO_LONG"),
    ({"reference": "half a \ud800 pair"}, ("reference",), "UNSUPPORTED_CHARACTER"),
    ({"customer_reference": "c" * 101}, ("customerReference",), "TOO_LONG"),
    ({"payment_method": ""}, ("paymentMethod",), "EMPTY"),
    ({"email": "nobody"}, ("email",), "BAD_EMAIL"),
    ({"email": "a@" + "b" * 300}, ("email",), "TOO_LONG"),
    ({"phone": "+49 30"}, ("phone",), "BAD_PHONE"),
    ({"shipping_address": {"city": "x" * 201}}, ("shippingAddress", "city"), "TOO_LONG"),
    ({"shipping_address": {"city": "\x00"}}, ("shippingAddress", "city"), "UNSUPPORTED_CHARACTER"),
    ({"shipping_address": {"country": "Portugal"}}, ("shippingAddress", "country"), "BAD_COUNTRY"),
]


@pytest.mark.parametrize(("changed", "path", "reason"), BAD)
async def test_bad_input_is_refused_with_its_path_and_changes_nothing(
    shop: ShopUnderTest, changed: dict[str, Any], path: tuple[str, ...], reason: str
) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    await shop.stock_up({"TASSE": {"A": 5}}, currency="EUR")
    [result] = await place(shop, request(**changed))
    assert problems(result) == {("INVALID", path)}
    assert {problem.reason.name for problem in result.problems} == {reason}
    assert await shop.rows("SELECT id FROM orders UNION ALL SELECT id FROM customers") == []


async def test_all_problems_are_reported_at_once(shop: ShopUnderTest) -> None:
    [result] = await place(shop, request(reference="", lines=(LineRequest("MUG", 0), LineRequest("", 1))))
    assert {path for _, path in problems(result)} == {
        ("reference",),
        ("lines", "0", "quantity"),
        ("lines", "1", "sku"),
    }


async def test_the_same_order_again_is_the_first_one_and_a_different_one_is_a_duplicate(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    address = {"city": "Porto", "country": "PT", "line1": None}
    [first] = await place(shop, request(shipping_address=address))
    [again] = await place(shop, request(shipping_address=dict(reversed(address.items()))))
    assert again == first
    for changed in (
        {"lines": (LineRequest("MUG", 2),)},
        {"lines": (LineRequest("MUG", 1, 1000),)},
        {"customer_reference": "bo"},
        {"payment_method": "sandbox-declined"},
    ):
        [other] = await place(shop, request(**{"shipping_address": address} | changed))
        assert problems(other) == {("DUPLICATE", ("reference",))}
    assert len(await shop.rows("SELECT id FROM orders")) == 1
    assert await shop.events(first) == ["OrderPlaced"]


async def test_a_repeat_finds_the_first_order_even_after_the_catalogue_changed(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}}, price=1000)
    [first] = await place(shop, request())
    async with shop.db.transaction() as tx:
        await catalog.upsert_products(tx, MANAGER, [Product("MUG", "Mug", 9999, "EUR")])
    assert await place(shop, request()) == [first]
    assert await shop.rows("SELECT unit_price_minor FROM order_lines") == [(1000,)]


async def test_each_of_many_orders_is_placed_or_refused_on_its_own(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    first, again, bad, other, last = await place(
        shop,
        request(reference="a"),
        request(reference="a"),
        request(reference="b", lines=(LineRequest("NOPE", 1),)),
        request(reference="a", customer_reference="bo"),
        request(reference="c"),
    )
    assert again == first
    assert problems(bad) == {("INVALID", ("lines", "0", "sku"))}
    assert problems(other) == {("DUPLICATE", ("reference",))}
    assert last not in (first, again)
    assert await shop.rows("SELECT reference FROM orders ORDER BY 1") == [("a",), ("c",)]


async def test_a_refused_order_does_not_use_up_its_reference(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    bad, good = await place(shop, request(lines=(LineRequest("NOPE", 1),)), request())
    assert problems(bad) == {("INVALID", ("lines", "0", "sku"))}
    assert await shop.rows("SELECT id FROM orders") == [(good,)]


async def test_a_storm_of_retries_places_one_order(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    results = await together(*(place(shop, request()) for _ in range(20)))
    assert len({str(result) for result in results}) == 1
    assert len(await shop.rows("SELECT id FROM orders")) == 1
    assert len(await shop.rows("SELECT id FROM customers")) == 1


async def test_only_a_service_sets_prices(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}}, price=1000)
    [order] = await place(shop, request(lines=(LineRequest("MUG", 1, 5),)))
    assert await shop.rows("SELECT unit_price_minor FROM order_lines WHERE order_id = :id", id=order) == [(5,)]
    [result] = await place(
        shop, request(reference="order-2", lines=(LineRequest("MUG", 1, 5),)), viewer=customer("ana")
    )
    assert problems(result) == {("FORBIDDEN", ("lines", "0", "unitPrice"))}


async def test_customers_order_for_themselves_only(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    [result] = await place(shop, request(), viewer=customer("bo"))
    assert problems(result) == {("FORBIDDEN", ("customerReference",))}


@pytest.mark.parametrize("viewer", [COURIER, MANAGER, SUPPORT])
async def test_couriers_and_staff_place_no_orders(shop: ShopUnderTest, viewer: Any) -> None:
    [result] = await place(shop, request(), viewer=viewer)
    assert problems(result) == {("FORBIDDEN", ())}
    assert not await shop.rows("SELECT id FROM orders")


async def test_a_price_of_zero_is_accepted(shop: ShopUnderTest) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    [order] = await place(shop, request(lines=(LineRequest("MUG", 1, 0),)))
    await shop.run()
    assert (await shop.order(order)).shipments[0].booked_at


@pytest.mark.parametrize(
    ("count", "code", "path"),
    [
        ({"sku": "NOPE"}, Code.INVALID, ("inputs", "0", "sku")),
        ({"warehouse_code": "NOPE"}, Code.INVALID, ("inputs", "0", "warehouseCode")),
        ({"on_hand": -1}, Code.INVALID, ("inputs", "0", "onHand")),
        ({"on_hand": 2**31}, Code.INVALID, ("inputs", "0", "onHand")),
        ({"on_hand": 0}, Code.CONFLICT, ("inputs", "0", "onHand")),
        ({"on_hand": 9, "expected": 4}, Code.CONFLICT, ("inputs", "0", "expectedOnHand")),
    ],
)
async def test_an_impossible_stock_count_is_refused_and_changes_nothing(
    shop: ShopUnderTest, count: dict[str, Any], code: Code, path: tuple[str, ...]
) -> None:
    await shop.stock_up({"MUG": {"A": 5}})
    await shop.place({"MUG": 2})
    await shop.run()
    fields: dict[str, Any] = {"sku": "MUG", "warehouse_code": "A", "on_hand": 7} | count
    with pytest.raises(Refused) as refusal:
        async with shop.db.transaction() as tx:
            await stock.set_stock(tx, MANAGER, [StockCount(**fields)])
    assert [(problem.code, problem.path) for problem in refusal.value.problems] == [(code, path)]
    assert await shop.levels() == {("MUG", "A"): (5, 2)}
