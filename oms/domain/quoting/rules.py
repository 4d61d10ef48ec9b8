"""An order as it would be allocated and billed, by the rules of allocation and billing. Pure; nothing is stored."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from oms.domain.allocation import rules as allocation
from oms.domain.allocation.plan import Levels
from oms.domain.allocation.rules import HoldLimit
from oms.domain.order.model import Line, Order, OrderStatus
from oms.domain.order.payment import Cost
from oms.domain.order.shipment import ENDED, Shipment
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.ids import NO_ID

SEARCH_EFFORT: Final = 10_000
"""Of the search for warehouses: some milliseconds. An order that needs more may come in other shipments than told."""

_BY: Final = Actor("quote")


@dataclass(frozen=True, slots=True)
class Prospect:
    """An order whose shipments are to be priced. `tax_bps`: by SKU, of products that have their own rate."""

    order: Order
    tax_bps: Mapping[str, int | None]

    @property
    def shipments(self) -> list[Shipment]:
        """Those that count: neither cancelled nor failed."""
        return [shipment for shipment in self.order.shipments if shipment.status not in ENDED]

    @property
    def to_price(self) -> list[Shipment]:
        """Those without an invoice, whose cost the billing system tells."""
        return [shipment for shipment in self.shipments if shipment.payment.invoice is None]

    def cost(self, priced: Sequence[Cost]) -> Cost:
        """Of the whole order: its invoices, and the costs that were told of `to_price`."""
        invoices = [shipment.payment.invoice for shipment in self.shipments]
        return sum(priced, sum((invoice.cost for invoice in invoices if invoice), Cost()))


def allocated(
    lines: list[Line], currency: str, levels: Levels, *, hold: HoldLimit, by_customer: bool, at: datetime
) -> Order:
    """The order that these lines would become if it were allocated now.

    `by_customer`: whether a customer places it, so that `hold` may limit what it keeps while it waits for an answer.
    """
    order = Order(
        NO_ID, "", NO_ID, "", currency, "", OrderStatus.PENDING, at, own_reference="" if by_customer else None,
        lines=lines,
    )  # fmt: skip
    plan = allocation.planned(allocation.demand(order), levels, most=hold.of(order), effort=SEARCH_EFFORT)
    allocation.allocate(order, plan, by=_BY, at=at, answer_within=timedelta(0))
    return order
