"""What an order comes to is what was paid for it and what is open, whatever happened to its shipments."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from oms.domain.order.sums import OrderSums
from tests.schema.api import Api
from tests.shop import ShopUnderTest, open_shop

MONEY = """query ($id: ID!) { order(id: $id) { total { amount } money {
    ordered { amount } subtotal { amount } discount { amount } shipping { amount } tax { amount } invoiced { amount }
    paid { amount } refunded { amount } open { amount } toRefund { amount } } } }"""


@pytest.fixture
async def shop(database_url: str, tmp_path: Path) -> AsyncIterator[ShopUnderTest]:
    async with open_shop(database_url, tmp_path) as shop:
        await shop.stock_up({"pen": {"east": 9}, "ink": {"west": 9}})
        yield shop


async def sums(shop: ShopUnderTest, order: Any) -> OrderSums:
    found = OrderSums.of((await shop.order(order)).shipments)
    comes_to = found.subtotal_minor - found.discount_minor + found.shipping_minor + found.tax_minor
    assert comes_to == found.paid_minor + found.open_minor - found.to_refund_minor
    return found


async def test_nothing_is_invoiced_at_first(shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1, "ink": 2})
    await shop.run("allocation")
    assert await sums(shop, order) == OrderSums(0, 0, 0, 0, 0, 0, 0, 0, 0)


async def test_it_adds_up_while_it_is_charged_fails_and_is_refunded(shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1, "ink": 2})
    await shop.run()
    both = await sums(shop, order)
    assert both.subtotal_minor == 3000
    assert both.paid_minor == both.invoiced_minor >= 3000
    await shop.dispatch(order, 1)
    await shop.fail(order, 1)
    failed = await sums(shop, order)
    assert failed.paid_minor == both.paid_minor
    assert failed.to_refund_minor > 0
    await shop.run()
    refunded = await sums(shop, order)
    assert refunded.refunded_minor == failed.to_refund_minor
    assert refunded.paid_minor == both.paid_minor - refunded.refunded_minor
    assert (refunded.to_refund_minor, refunded.invoiced_minor) == (0, both.invoiced_minor)


async def test_what_is_invoiced_and_not_charged_is_open(shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1})
    await shop.run()
    await shop.execute("UPDATE shipments SET payment_status = 'CHARGING', charged_minor = 0, charged_at = NULL")
    found = await sums(shop, order)
    assert found.open_minor == found.invoiced_minor > 0
    assert found.paid_minor == 0


async def test_the_api_gives_the_same_sums(shop: ShopUnderTest) -> None:
    order = await shop.place({"pen": 1, "ink": 2})
    await shop.run()
    found = await sums(shop, order)
    shown = await Api(shop).ask(MONEY, id=f"ord_{order.hex}")
    assert {name: sum_["amount"] for name, sum_ in shown["money"].items()} == {
        "ordered": 3000, "subtotal": found.subtotal_minor, "discount": 0, "shipping": found.shipping_minor,
        "tax": found.tax_minor, "invoiced": found.invoiced_minor, "paid": found.paid_minor, "refunded": 0, "open": 0,
        "toRefund": 0,
    }  # fmt: skip
    assert shown["total"]["amount"] == found.paid_minor
