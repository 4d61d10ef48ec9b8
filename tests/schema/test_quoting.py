"""What an order would come to, before it is placed and before it is charged."""

import random
from typing import Any

import pytest

from oms.domain.allocation.rules import HoldLimit
from oms.domain.placing.limits import PlacingLimits
from oms.providers.ports import ProviderUnavailable, QuoteAnswer, QuoteRequest, RequestRejected
from oms.providers.sandbox.rules import SandboxRules
from tests.schema.api import ANA, Api, codes
from tests.shop import CART, COURIER, MANAGER, customer

SUMS = "subtotal { amount } discount { amount } tax { amount } shipping { amount } total { amount currency } shipments"
LINES = "lines { sku name quantity unavailableQuantity unitPrice { amount } subtotal { amount } }"
ERRORS = "userErrors { code reason message path }"
QUOTE = f"query ($input: QuoteInput!) {{ quoteOrder(input: $input) {{ quote {{ {SUMS} {LINES} }} {ERRORS} }} }}"
PLACED = f"query ($id: ID!) {{ quotePlacedOrder(orderId: $id) {{ quote {{ {SUMS} {LINES} }} {ERRORS} }} }}"
PLACE = "mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } userErrors { code path } } }"
ORDER = """query ($id: ID!) { order(id: $id) {
    total { amount currency } lines { unavailableQuantity }
    shipments { invoice { subtotal { amount } tax { amount } shipping { amount } } }
} }"""


def priced(api: Api, **rules: int) -> None:
    api.shop.sandbox._rules = SandboxRules(**rules)


def lines(units: dict[str, int]) -> dict[str, Any]:
    return {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in units.items()]}


def amounts(quote: dict[str, Any], *names: str) -> list[int]:
    return [quote[name]["amount"] for name in names]


async def test_a_quote_has_the_sums_and_the_lines(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}, "mug": {"south": 1}}, price=1000)
    priced(api, tax_bps=2000, shipping_base_minor=500, shipping_per_unit_minor=100)
    payload = await api.ask(QUOTE, ANA, input=lines({"tea": 2, "mug": 3}))
    quote = payload["quote"]
    assert payload["userErrors"] == []
    # two parcels of three units: 3000 + 600 tax + 2 × 500 + 3 × 100
    assert amounts(quote, "subtotal", "discount", "tax", "shipping", "total") == [3000, 0, 600, 1300, 4900]
    assert (quote["shipments"], quote["total"]["currency"]) == (2, "USD")
    mug = {"sku": "mug", "name": "mug", "quantity": 3, "unavailableQuantity": 2}
    assert quote["lines"][1] == mug | {"unitPrice": {"amount": 1000}, "subtotal": {"amount": 1000}}


@pytest.mark.parametrize("seed", range(12))
async def test_a_quote_is_what_the_order_comes_to(api: Api, seed: int) -> None:
    """Whatever stock, prices, taxes and quantities: the invoices of the placed order add up to the quote before it."""
    chance = random.Random(seed)
    skus = [f"sku-{n}" for n in range(chance.randint(1, 5))]
    for sku in skus:
        held = {code: chance.randint(0, 4) for code in ("east", "north", "west")}
        await api.shop.stock_up({sku: held}, price=chance.randint(0, 3333))
        rate = chance.choice([None, 0, 550, 2000])
        await api.shop.execute("UPDATE products SET tax_bps = :rate WHERE sku = :sku", rate=rate, sku=sku)
    priced(
        api, tax_bps=chance.randint(0, 2500), shipping_base_minor=chance.randint(0, 900),
        shipping_per_unit_minor=chance.randint(0, 90),
    )  # fmt: skip
    wanted = lines({sku: chance.randint(1, 6) for sku in skus})
    by = chance.choice([ANA, CART])
    quote = (await api.ask(QUOTE, by, input=wanted | {"customerReference": "ana"}))["quote"]
    placed = await api.ask(PLACE, by, input=wanted | {"customerReference": "ana", "reference": f"r-{seed}"})
    await api.shop.run()
    expected = (await api.ask(PLACED, by, id=placed["order"]["id"]))["quote"]  # of an amended order: if it is accepted
    assert expected == quote
    if quote["shipments"]:
        [(order_id,)] = await api.shop.rows("SELECT id FROM orders")
        if (await api.shop.order(order_id)).action_deadline:
            await api.shop.accept(order_id)
            await api.shop.run()
        order = await api.ask(ORDER, by, id=placed["order"]["id"])
        assert order["total"] == quote["total"]
        assert [line["unavailableQuantity"] for line in order["lines"]] == [
            line["unavailableQuantity"] for line in quote["lines"]
        ]
        invoices = [shipment["invoice"] for shipment in order["shipments"]]
        for name in ("subtotal", "tax", "shipping"):
            assert sum(invoice[name]["amount"] for invoice in invoices) == quote[name]["amount"]
        assert (await api.ask(PLACED, by, id=placed["order"]["id"]))["quote"]["total"] == quote["total"]


async def test_a_quote_keeps_to_the_hold_limit_of_amended_orders(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    context = Api.context

    def limited(self: Api, *args: Any) -> Any:
        found = context(self, *args)
        found.hold = HoldLimit(2)
        return found

    monkeypatch.setattr(Api, "context", limited)
    quote = (await api.ask(QUOTE, ANA, input=lines({"tea": 6})))["quote"]
    assert (quote["lines"][0]["unavailableQuantity"], quote["subtotal"]["amount"]) == (4, 2000)
    assert (await api.ask(QUOTE, ANA, input=lines({"tea": 5})))["quote"]["subtotal"]["amount"] == 5000


@pytest.mark.parametrize(
    ("wanted", "reason", "path"),
    [
        ({"nothing": 1}, "UNKNOWN_PRODUCT", ["lines", "0", "sku"]),
        ({"tea": 1, "euro": 1}, "CURRENCY_MISMATCH", ["lines", "1", "sku"]),
        ({"tea": 0}, "OUT_OF_RANGE", ["lines", "0", "quantity"]),
        ({}, "OUT_OF_RANGE", ["lines"]),
    ],
)
async def test_what_cannot_be_placed_is_refused_in_the_same_words(
    api: Api, wanted: dict[str, int], reason: str, path: list[str]
) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    await api.shop.stock_up({"euro": {"north": 5}}, currency="EUR")
    payload = await api.ask(QUOTE, ANA, input=lines(wanted))
    [error] = payload["userErrors"]
    assert payload["quote"] is None
    assert (error["reason"], error["path"]) == (reason, path)
    placed = await api.ask(PLACE, ANA, input=lines(wanted) | {"reference": "r"})
    assert [(e["code"], e["path"]) for e in placed["userErrors"]] == [(error["code"], error["path"])]


async def test_it_is_bounded_as_placing_is(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    context = Api.context

    def limited(self: Api, *args: Any) -> Any:
        found = context(self, *args)
        found.placing_limits = PlacingLimits(order_lines=1, line_units=3)
        return found

    monkeypatch.setattr(Api, "context", limited)
    assert codes(await api.ask(QUOTE, ANA, input=lines({"tea": 4}))) == ["INVALID"]
    assert codes(await api.ask(QUOTE, CART, input=lines({"tea": 4}) | {"customerReference": "ana"})) == []


async def test_only_who_may_place_an_order_gets_a_quote(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    for viewer in (MANAGER, COURIER):
        error = await api.refusal(QUOTE, viewer, input=lines({"tea": 1}))
        assert error.extensions
        assert error.extensions["code"] == "FORBIDDEN"
    mine = lines({"tea": 1}) | {"customerReference": "bob"}
    assert codes(await api.ask(QUOTE, ANA, input=mine)) == ["FORBIDDEN"]


async def test_the_costs_of_another_customers_order_are_not_told(api: Api) -> None:
    known = await api.amended()
    assert codes(await api.ask(PLACED, customer("bob"), id=known.id)) == ["NOT_FOUND"]
    assert (await api.ask(PLACED, MANAGER, id=known.id))["quote"]["total"]["amount"] == 1000


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (ProviderUnavailable("no answer"), "PRICES_UNAVAILABLE"),
        (RequestRejected("INVALID", "too much"), "NOT_BILLABLE"),
    ],
)
async def test_without_the_billing_system_there_is_a_reason_instead(
    api: Api, monkeypatch: pytest.MonkeyPatch, failure: Exception, reason: str
) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})

    async def fails(_request: QuoteRequest) -> QuoteAnswer:
        raise failure

    monkeypatch.setattr(api.shop.sandbox, "quote", fails)
    payload = await api.ask(QUOTE, ANA, input=lines({"tea": 1}))
    assert [error["reason"] for error in payload["userErrors"]] == [reason]


async def test_a_quote_writes_nothing_and_locks_nothing(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 5}})
    before = await api.shop.levels()
    with api.statements() as sent:
        await api.ask(QUOTE, ANA, input=lines({"tea": 1}))
    assert not [statement for statement in sent if "UPDATE" in statement or "INSERT" in statement]
    assert await api.shop.levels() == before
    assert api.shop.log.page(limit=10) == []


# Stock in words


async def test_customers_learn_whether_a_product_can_be_had(api: Api) -> None:
    await api.shop.stock_up({"a": {"north": 4, "south": 2}, "b": {"north": 2, "south": 1}, "c": {"north": 0}})
    found = await api.ask("{ products { nodes { sku availability unitsLeft } } }", ANA)
    assert [(p["sku"], p["availability"], p["unitsLeft"]) for p in found["nodes"]] == [
        ("a", "IN_STOCK", None), ("b", "FEW_LEFT", 3), ("c", "SOLD_OUT", 0),
    ]  # fmt: skip
    await api.shop.place({"b": 3})
    await api.shop.run()
    assert (await api.ask('{ product(sku: "b") { availability unitsLeft } }', ANA))["availability"] == "SOLD_OUT"


async def test_products_are_listed_in_one_currency(api: Api) -> None:
    await api.shop.stock_up({"tea": {"north": 1}})
    await api.shop.stock_up({"thé": {"north": 1}}, currency="EUR")
    for search in (None, "t"):
        query = 'query ($s: String) { products(search: $s, currency: "EUR") { nodes { sku } } }'
        assert (await api.ask(query, ANA, s=search))["nodes"] == [{"sku": "thé"}]
