"""A source row becomes an order, or a counted reason why it is not one."""

from typing import Any

import pytest

from oms.tools.replay.source import olist, uci
from oms.tools.replay.source.cart_order import CartLine, CartOrder, NoOrder
from tests.tools.replay.conftest import olist_row, uci_item, uci_row


def order_of(entry: CartOrder | NoOrder) -> CartOrder:
    assert isinstance(entry, CartOrder)
    return entry


def test_an_olist_row_becomes_an_order_at_the_sellers_prices_for_the_customers_address() -> None:
    order = order_of(olist.read_order(olist_row("abc")))

    assert order.as_input() == {
        "reference": "olist-abc",
        "customerReference": "olist-c1",
        "currency": "BRL",
        "shippingAddress": {"city": "curitiba", "region": "PR", "postalCode": "80030", "country": "BR"},
        "lines": [{"sku": "sku-a", "quantity": 1, "unitPrice": 1090}],
    }
    assert order.lines[0].warehouse_code == "w1"
    assert not order.cancelled_at_source


def test_an_olist_order_that_was_canceled_is_placed_to_be_cancelled_again() -> None:
    assert order_of(olist.read_order(olist_row(status="canceled"))).cancelled_at_source


@pytest.mark.parametrize("status", ["unavailable", "canceled", "created"])
def test_an_olist_row_without_items_is_not_an_order(status: str) -> None:
    assert olist.read_order(olist_row(status=status, items=[])) == NoOrder("no items", 0)


def test_a_uci_invoice_becomes_an_order() -> None:
    order = order_of(uci.read_order(uci_row()))

    assert (order.reference, order.customer_reference, order.currency) == ("uci-536365", "uci-17850", "GBP")
    assert order.address == {"country": "GB"}
    assert order.lines == (CartLine("85123A", 6, 255, name="WHITE HOLDER"),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"type": "cancellation", "status": "cancellation"}, "cancellation"),
        ({"type": "stock_write_off", "customer_id": None}, "stock write-off"),
        ({"type": "bad_debt_adjustment"}, "bad debt adjustment"),
        ({"type": "zero_price_entry", "customer_id": None}, "zero-price entry"),
        ({"type": "something_new"}, "type something_new"),
        ({"customer_id": None}, "anonymous"),
        ({"items": []}, "no items"),
        ({"items": [uci_item(sku="POST", non_product=True)]}, "only postage, fees and manual entries"),
    ],
)
def test_a_uci_row_that_is_not_an_order_has_a_reason(changes: dict[str, Any], reason: str) -> None:
    row = uci_row(**changes)
    assert uci.read_order(row) == NoOrder(reason, len(row["items"]))


def test_an_anonymous_invoice_is_placed_on_request_for_a_customer_of_its_own() -> None:
    order = order_of(uci.read_order(uci_row("9", customer_id=None), anonymous=True))
    assert order.customer_reference == "uci-anonymous-9"


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        (uci_item(2, sku="POST", non_product=True), "postage, fees and manual entries"),
        (uci_item(2, quantity=-1), "quantity below one"),
        (uci_item(2, quantity=0), "quantity below one"),
        (uci_item(2, unit_price_cents=None), "no price"),
        (uci_item(2, unit_price_cents=-5), "no price"),
    ],
)
def test_a_line_that_cannot_be_shipped_is_left_out_and_counted(item: dict[str, Any], reason: str) -> None:
    order = order_of(uci.read_order(uci_row(items=[uci_item(), item])))

    assert len(order.lines) == 1
    assert order.excluded == (reason,)


def test_a_gift_stays_at_price_zero() -> None:
    order = order_of(uci.read_order(uci_row(items=[uci_item(unit_price_cents=0)])))

    assert order.lines[0].unit_price_minor == 0
    assert order.notes == ()


def test_a_price_of_a_tenth_of_a_penny_is_rounded_as_the_source_did_and_noted() -> None:
    order = order_of(uci.read_order(uci_row(items=[uci_item(unit_price_cents=0, unit_price_raw="0.001")])))

    assert order.lines[0].unit_price_minor == 0
    assert order.notes == ("price rounded to whole pence",)


@pytest.mark.parametrize(
    ("country", "code"), [("EIRE", "IE"), ("RSA", "ZA"), ("Channel Islands", None), ("Unspecified", None)]
)
def test_a_country_becomes_its_iso_code_or_is_left_out(country: str, code: str | None) -> None:
    address = order_of(uci.read_order(uci_row(customer_country=country))).as_input()["shippingAddress"]
    assert address == ({"country": code} if code else {})
