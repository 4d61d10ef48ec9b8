"""What the sandbox's rules say, as tables, and what holds for any lines."""

from dataclasses import replace
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms.providers.ports import BillLine, BookingRequest, ChargeRequest, InvoiceRequest, RefundRequest, RequestRejected
from oms.providers.sandbox import rules as sandbox_rules
from oms.providers.sandbox.rules import SandboxRules, share_of_key, tax_minor

RULES = SandboxRules(tax_bps=2000, shipping_base_minor=500, shipping_per_unit_minor=50)
CHARGE = ChargeRequest(key="c-1", amount_minor=1000, currency="USD", payment_method="sandbox-ok")
REFUND = RefundRequest(key="r-1", charge_key="c-1", amount_minor=400, currency="USD")
BOOKING = BookingRequest(key="b-1", warehouse_code="W-1", units=1, address=None)

lines = st.lists(
    st.builds(
        BillLine,
        sku=st.just("SKU"),
        quantity=st.integers(1, 1_000_000),
        unit_price_minor=st.integers(0, 100_000),
        tax_bps=st.none() | st.integers(0, 10_000),
    ),
    min_size=1,
    max_size=20,
)


@pytest.mark.parametrize(
    ("net_minor", "rate_bps", "expected_minor"),
    [
        (0, 2000, 0),
        (999, 0, 0),
        (999, 2000, 200),  # 199.8
        (5, 1000, 1),  # 0.5
        (15, 1000, 2),  # 1.5: up, not to even
        (25, 1000, 3),  # 2.5: up, not to even
        (4, 1000, 0),  # 0.4
        (1, 10_000, 1),
        (10**15, 1, 10**11),
    ],
)
def test_tax_is_rounded_half_up(net_minor: int, rate_bps: int, expected_minor: int) -> None:
    assert tax_minor(net_minor, rate_bps) == expected_minor


@given(net_minor=st.integers(0, 2**53), rate_bps=st.integers(0, 20_000))
def test_tax_is_what_decimal_arithmetic_says(net_minor: int, rate_bps: int) -> None:
    exact = Decimal(net_minor) * rate_bps / 10_000
    assert tax_minor(net_minor, rate_bps) == int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@pytest.mark.parametrize(("net_minor", "rate_bps"), [(-1, 100), (100, -1)])
def test_tax_of_a_negative_amount_is_a_bug(net_minor: int, rate_bps: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        tax_minor(net_minor, rate_bps)


def test_each_line_is_taxed_by_itself_at_its_own_rate_or_the_default() -> None:
    bill = InvoiceRequest(
        key="i-1",
        currency="USD",
        lines=(
            BillLine("A", 1, 5, tax_bps=1000),  # 0.5 → 1
            BillLine("B", 1, 5, tax_bps=1000),  # 0.5 → 1, where their sum of 10 would give 1
            BillLine("C", 3, 100, tax_bps=None),  # 300 at 20 %
            BillLine("D", 2, 50, tax_bps=0),  # free of tax, which is not "no rate given"
        ),
    )
    answer = sandbox_rules.invoice(bill, RULES)
    assert (answer.subtotal_minor, answer.discount_minor, answer.tax_minor) == (410, 0, 62)
    assert answer.shipping_minor == 500 + 50 * 7


@given(lines=lines)
def test_an_invoice_adds_up_exactly_and_splits_over_its_lines(lines: list[BillLine]) -> None:
    """Billing each line alone gives the same sums: no subtotal is counted twice, no tax lost in rounding."""
    rules = replace(RULES, shipping_base_minor=0)
    whole = sandbox_rules.invoice(InvoiceRequest("i", "USD", tuple(lines)), rules)
    alone = [sandbox_rules.invoice(InvoiceRequest("i", "USD", (line,)), rules) for line in lines]
    assert whole.subtotal_minor == sum(each.quantity * each.unit_price_minor for each in lines)
    assert whole.tax_minor == sum(each.tax_minor for each in alone)
    assert whole.shipping_minor == sum(each.shipping_minor for each in alone)


def test_the_invoice_number_follows_from_the_key() -> None:
    bill = InvoiceRequest("i-1", "USD", (BillLine("A", 1, 5, None),))
    assert sandbox_rules.invoice(bill, RULES).number == sandbox_rules.invoice(bill, SandboxRules()).number
    numbers = {sandbox_rules.invoice(replace(bill, key=f"i-{n}"), RULES).number for n in range(1000)}
    assert len(numbers) == 1000


@pytest.mark.parametrize(
    "line",
    [
        BillLine("A", 0, 5, None),
        BillLine("A", -1, 5, None),
        BillLine("A", 1, -5, None),
        BillLine("A", 1, 5, -1),
        BillLine("A", 1_000_000, 2**40, None),
    ],
)
def test_an_invalid_line_is_rejected(line: BillLine) -> None:
    with pytest.raises(RequestRejected) as rejected:
        sandbox_rules.invoice(InvoiceRequest("i", "USD", (line,)), RULES)
    assert rejected.value.code == "INVALID"


def test_a_bill_without_lines_is_rejected() -> None:
    with pytest.raises(RequestRejected):
        sandbox_rules.invoice(InvoiceRequest("i", "USD", ()), RULES)


@pytest.mark.parametrize(
    ("payment_method", "reason"),
    [
        ("sandbox-ok", None),
        ("sandbox-declined", "CARD_DECLINED"),
        ("visa", "PAYMENT_METHOD_UNKNOWN"),
        ("", "PAYMENT_METHOD_UNKNOWN"),
    ],
)
def test_the_payment_method_decides(payment_method: str, reason: str | None) -> None:
    answer = sandbox_rules.charge(replace(CHARGE, payment_method=payment_method), RULES)
    assert (answer.succeeded, answer.reason) == (reason is None, reason)


def test_the_decline_rate_is_met_and_always_hits_the_same_keys() -> None:
    rules = replace(RULES, decline_rate=0.2)
    first = [sandbox_rules.charge(replace(CHARGE, key=f"c-{n}"), rules).succeeded for n in range(5000)]
    again = [sandbox_rules.charge(replace(CHARGE, key=f"c-{n}"), rules).succeeded for n in range(5000)]
    assert first == again
    assert 0.17 < first.count(False) / 5000 < 0.23


@pytest.mark.parametrize(("rate", "succeeded"), [(0.0, True), (1.0, False)])
def test_the_extreme_rates_hold_for_every_key(rate: float, succeeded: bool) -> None:
    rules = replace(RULES, decline_rate=rate, refusal_rate=rate)
    for n in range(200):
        assert sandbox_rules.charge(replace(CHARGE, key=f"{n}"), rules).succeeded is succeeded
        booking = sandbox_rules.book(replace(BOOKING, key=f"{n}"), rules, released=False)
        assert booking.accepted is succeeded
        assert booking.reason == (None if succeeded else "COURIER_REFUSED")


@given(key=st.text(), purpose=st.sampled_from(["decline", "refuse"]))
def test_a_keys_share_lies_from_0_to_below_1(key: str, purpose: str) -> None:
    assert 0 <= share_of_key(key, purpose) < 1


@pytest.mark.parametrize("amount_minor", [-1, 2**53])
def test_an_impossible_amount_is_rejected(amount_minor: int) -> None:
    with pytest.raises(RequestRejected):
        sandbox_rules.charge(replace(CHARGE, amount_minor=amount_minor), RULES)


@pytest.mark.parametrize(
    ("refund", "charged", "refunded_minor", "code"),
    [
        (REFUND, CHARGE, 0, None),
        (REFUND, CHARGE, 600, None),  # the rest, exactly
        (REFUND, CHARGE, 601, "REFUND_EXCEEDS_CHARGE"),
        (REFUND, None, 0, "NOT_CHARGED"),
        (replace(REFUND, currency="EUR"), CHARGE, 0, "INVALID"),
        (replace(REFUND, amount_minor=-1), CHARGE, 0, "INVALID"),
    ],
)
def test_no_more_is_paid_back_than_was_charged(
    refund: RefundRequest, charged: ChargeRequest | None, refunded_minor: int, code: str | None
) -> None:
    if code is None:
        sandbox_rules.check_refund(refund, charged, refunded_minor)
        return
    with pytest.raises(RequestRejected) as rejected:
        sandbox_rules.check_refund(refund, charged, refunded_minor)
    assert rejected.value.code == code


@pytest.mark.parametrize(
    ("units", "courier"),
    [
        (1, "SANDBOX-BIKE"),
        (5, "SANDBOX-BIKE"),
        (6, "SANDBOX-VAN"),
        (200, "SANDBOX-VAN"),
        (201, "SANDBOX-TRUCK"),
        (80_995, "SANDBOX-TRUCK"),
    ],
)
def test_the_units_decide_the_courier(units: int, courier: str) -> None:
    answer = sandbox_rules.book(replace(BOOKING, units=units), RULES, released=False)
    assert (answer.accepted, answer.courier_code, answer.reason) == (True, courier, None)
    assert answer.tracking_number


def test_a_released_key_is_never_booked() -> None:
    answer = sandbox_rules.book(BOOKING, RULES, released=True)
    assert (answer.accepted, answer.reason, answer.tracking_number) == (False, "BOOKING_RELEASED", None)


def test_a_booking_of_no_units_is_rejected() -> None:
    with pytest.raises(RequestRejected):
        sandbox_rules.book(replace(BOOKING, units=0), RULES, released=False)
