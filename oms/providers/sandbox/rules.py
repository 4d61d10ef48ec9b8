"""How the sandbox bills, charges and books: pure functions of the request and the rules.

Source of every rule here: docs/guides/billing.md.
"""

from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from oms.domain.order.payment import Cost
from oms.providers.ports import (
    BillLine,
    BookingAnswer,
    BookingRequest,
    ChargeAnswer,
    ChargeRequest,
    InvoiceAnswer,
    InvoiceRequest,
    QuoteAnswer,
    QuoteRequest,
    RefundRequest,
    RequestRejected,
)

BASIS_POINTS: Final = 10_000
MAX_AMOUNT_MINOR: Final = 2**53 - 1  # the largest amount the public contract can carry

PAYMENT_METHOD_OK: Final = "sandbox-ok"
PAYMENT_METHOD_DECLINED: Final = "sandbox-declined"


@dataclass(frozen=True, slots=True)
class SandboxRules:
    """The sandbox's settings; everything is off unless set.

    Rates are shares from 0 to 1. Whether a charge is declined or a booking refused follows from its key, so repeats
    agree. Whether a call fails is drawn for each call.
    """

    tax_bps: int = 0
    shipping_base_minor: int = 0
    shipping_per_unit_minor: int = 0
    decline_rate: float = 0.0
    refusal_rate: float = 0.0
    failure_rate: float = 0.0
    latency_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Courier:
    """A courier that carries up to `max_units` of one shipment; None: any number."""

    code: str
    name: str
    max_units: int | None


COURIERS: Final = (
    Courier("SANDBOX-BIKE", "Bike courier", max_units=5),
    Courier("SANDBOX-VAN", "Van courier", max_units=200),
    Courier("SANDBOX-TRUCK", "Truck courier", max_units=None),
)


def tax_minor(net_minor: int, rate_bps: int) -> int:
    """Tax in minor units, rounded half up on each line; 2000 bps = 20 %.

    Raises: ValueError if either is negative.
    Source: docs/guides/billing.md, "Rounding".
    """
    if net_minor < 0 or rate_bps < 0:
        raise ValueError(f"negative net ({net_minor}) or rate ({rate_bps})")
    return (net_minor * rate_bps * 2 + BASIS_POINTS) // (BASIS_POINTS * 2)


def invoice(request: InvoiceRequest, rules: SandboxRules) -> InvoiceAnswer:
    """What the shipment costs. Raises RequestRejected (INVALID) on lines that cannot be billed."""
    cost = cost_of(request.lines, rules)
    return InvoiceAnswer(
        number=f"INV-{derived_code(request.key, 'invoice')}",
        subtotal_minor=cost.subtotal_minor,
        discount_minor=cost.discount_minor,
        tax_minor=cost.tax_minor,
        shipping_minor=cost.shipping_minor,
    )


def quote(request: QuoteRequest, rules: SandboxRules) -> QuoteAnswer:
    """What the invoices would come to. Raises RequestRejected (INVALID) on lines that cannot be billed."""
    return QuoteAnswer(tuple(cost_of(lines, rules) for lines in request.shipments))


def cost_of(lines: Sequence[BillLine], rules: SandboxRules) -> Cost:
    """What one shipment's lines cost. Raises RequestRejected (INVALID) on lines that cannot be billed."""
    _require(bool(lines), "an invoice needs at least one line")
    for line in lines:
        _require(line.quantity > 0, f"{line.sku}: quantity must be positive, not {line.quantity}")
        _require(line.unit_price_minor >= 0, f"{line.sku}: the price is negative")
        _require(line.tax_bps is None or line.tax_bps >= 0, f"{line.sku}: the tax rate is negative")
    nets_minor = [line.quantity * line.unit_price_minor for line in lines]
    taxes_minor = [
        tax_minor(net_minor, rules.tax_bps if line.tax_bps is None else line.tax_bps)
        for line, net_minor in zip(lines, nets_minor, strict=True)
    ]
    units = sum(line.quantity for line in lines)
    cost = Cost(
        subtotal_minor=sum(nets_minor),
        tax_minor=sum(taxes_minor),
        shipping_minor=rules.shipping_base_minor + rules.shipping_per_unit_minor * units,
    )
    _require(cost.total_minor <= MAX_AMOUNT_MINOR, f"a total of {cost.total_minor} is more than {MAX_AMOUNT_MINOR}")
    return cost


def charge(request: ChargeRequest, rules: SandboxRules) -> ChargeAnswer:
    """Charged, or declined for good. Raises RequestRejected (INVALID) on an impossible amount."""
    _require(0 <= request.amount_minor <= MAX_AMOUNT_MINOR, f"cannot charge {request.amount_minor}")
    match request.payment_method:
        case "sandbox-ok" if share_of_key(request.key, "decline") >= rules.decline_rate:
            return ChargeAnswer(succeeded=True, reason=None)
        case "sandbox-ok" | "sandbox-declined":
            return ChargeAnswer(succeeded=False, reason="CARD_DECLINED")
        case _:
            return ChargeAnswer(succeeded=False, reason="PAYMENT_METHOD_UNKNOWN")


def check_refund(request: RefundRequest, charged: ChargeRequest | None, refunded_minor: int) -> None:
    """Refuses to pay back more than was charged.

    `charged`: the successful charge that it names, if there is one. `refunded_minor`: paid back before.
    Raises: RequestRejected (INVALID, NOT_CHARGED, REFUND_EXCEEDS_CHARGE).
    """
    _require(request.amount_minor >= 0, f"cannot refund {request.amount_minor}")
    if charged is None:
        raise RequestRejected("NOT_CHARGED", f"no successful charge under {request.charge_key}")
    _require(request.currency == charged.currency, f"charged in {charged.currency}, not {request.currency}")
    if refunded_minor + request.amount_minor > charged.amount_minor:
        raise RequestRejected(
            "REFUND_EXCEEDS_CHARGE",
            f"{refunded_minor} + {request.amount_minor} is more than the {charged.amount_minor} charged",
        )


def book(request: BookingRequest, rules: SandboxRules, *, released: bool) -> BookingAnswer:
    """Chooses a courier by the number of units, or refuses for good. A `released` key is never booked again.

    Raises: RequestRejected (INVALID) if there is nothing to carry.
    """
    _require(request.units > 0, f"cannot carry {request.units} units")
    if released:
        return BookingAnswer(accepted=False, reason="BOOKING_RELEASED")
    if share_of_key(request.key, "refuse") < rules.refusal_rate:
        return BookingAnswer(accepted=False, reason="COURIER_REFUSED")
    courier = next(each for each in COURIERS if each.max_units is None or request.units <= each.max_units)
    return BookingAnswer(
        accepted=True,
        courier_code=courier.code,
        courier_name=courier.name,
        tracking_number=f"SBX{derived_code(request.key, 'tracking')}",
    )


def share_of_key(key: str, purpose: str) -> float:
    """A number from 0 to below 1, evenly distributed over keys, and always the same for one key and purpose."""
    return int.from_bytes(_digest(key, purpose)[:6], "big") / 2**48


def derived_code(key: str, purpose: str) -> str:
    """16 letters and digits derived from the key: 80 bits, so collisions are practically impossible."""
    return b32encode(_digest(key, purpose)).decode()


def _digest(key: str, purpose: str) -> bytes:
    return blake2b(key.encode(), digest_size=10, person=purpose.encode()).digest()


def _require(holds: bool, message: str) -> None:
    if not holds:
        raise RequestRejected("INVALID", message)
