"""Violations, each planted by SQL in the honest shop, and what the checker must then say: this and nothing else.

`$name` stands for an order by what became of it (history.py). A check is named by how its sentence begins. Where one
lie contradicts several rows, all checks that see it are named.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Plant:
    """One lie, the rule that it breaks, and the checks that report it."""

    rule: str
    lie: str
    sql: str
    reported: tuple[str, ...]


def plant(rule: str, lie: str, sql: str, *reported: str) -> Plant:
    return Plant(rule, lie, sql, reported)


AGAIN: Final = """
    INSERT INTO order_events (order_id, seq, at, type, actor, shipment, data, transaction)
    SELECT order_id, seq + 1, at, '{event}', 'billing', 1, '{data}', transaction
    FROM order_events WHERE order_id = $booked ORDER BY seq DESC LIMIT 1;
    UPDATE orders SET last_seq = last_seq + 1 WHERE id = $booked
"""
"""One event more at the end of the booked order's trail."""

RULE_1: Final = (
    plant("1", "a pending order was forgotten", "DELETE FROM work WHERE order_id = $pending", "A pending order has"),
    plant("1", "a deadline was forgotten", "DELETE FROM work WHERE order_id = $waiting", "An amended order has"),
    plant(
        "1",
        "a deadline would act early",
        "UPDATE work SET due_at = due_at - interval '1 min' WHERE order_id = $waiting",
        "An amended order has",
    ),
    plant(
        "1",
        "a deadline would act late",
        "UPDATE work SET due_at = due_at + interval '1 min' WHERE order_id = $waiting",
        "An amended order has",
    ),
    plant("1", "a charge was forgotten", "DELETE FROM work WHERE order_id = $charging", "A pending shipment of an"),
    plant("1", "a booking was forgotten", "DELETE FROM work WHERE order_id = $paid", "A pending shipment of an"),
    plant(
        "1",
        "an order was not closed",
        """
        DELETE FROM order_events WHERE order_id = $declined AND type = 'OrderFailed';
        UPDATE orders SET status = 'PROCESSING', closed_at = NULL, last_seq = last_seq - 1 WHERE id = $declined
        """,
        "An order in process has",
    ),
    plant(
        "1",
        "an open order's shipment is cancelled",
        """
        DELETE FROM order_events WHERE order_id = $in_flight AND type = 'OrderCancelled';
        UPDATE orders SET status = 'PROCESSING', closed_at = NULL, last_seq = last_seq - 1 WHERE id = $in_flight
        """,
        "An order in process has",
        "An open order's shipments",
    ),
    plant("1", "closed at no time", "UPDATE orders SET closed_at = NULL WHERE id = $completed", "An order is closed"),
    plant("1", "closed and open", "UPDATE orders SET closed_at = now() WHERE id = $booked", "An order is closed"),
    plant(
        "1",
        "a cancelled order kept its shipment",
        """
        DELETE FROM order_events WHERE order_id = $cancelled_amended AND seq = 3;
        UPDATE order_events SET seq = 3 WHERE order_id = $cancelled_amended AND seq = 4;
        UPDATE orders SET last_seq = 3 WHERE id = $cancelled_amended;
        UPDATE shipments SET status = 'PENDING', payment_status = 'PENDING' WHERE order_id = $cancelled_amended;
        UPDATE stock SET allocated = allocated + 1 WHERE sku = 'MUG'
        """,
        "Every shipment of a closed",
    ),
    plant(
        "1",
        "delivered, and called failed",
        """
        UPDATE orders SET status = 'FAILED' WHERE id = $completed;
        UPDATE order_events SET type = 'OrderFailed', data = '{"from": "PROCESSING", "to": "FAILED"}'
        WHERE order_id = $completed AND type = 'OrderCompleted'
        """,
        "A final status agrees",
    ),
)

RULE_2: Final = (
    plant(
        "2",
        "charged twice",
        AGAIN.replace("{event}", "ShipmentCharged").replace("{data}", '{"amount": 2000}'),
        "A shipment is charged at most once",
        "In each currency",
        "Folding its events gives a payment's status",
    ),
    plant(
        "2",
        "charged more than the invoice",
        "UPDATE shipments SET charged_minor = charged_minor + 1 WHERE order_id = $booked",
        "What was charged",
        "In each currency",
    ),
    plant(
        "2",
        "charged although declined",
        "UPDATE shipments SET charged_minor = 1 WHERE order_id = $declined",
        "What was charged",
        "In each currency",
    ),
    plant(
        "2",
        "refunded without saying so",
        "UPDATE shipments SET refunded_minor = 1 WHERE order_id = $booked",
        "A refund pays back",
        "In each currency",
    ),
    plant(
        "2",
        "an event tells another amount",
        "UPDATE order_events SET data = data || '{\"amount\": 1}' WHERE order_id = $booked AND type = 'ChargeStarted'",
        "Events tell the amounts",
    ),
    plant(
        "2",
        "money taken that no event tells of",
        """
        UPDATE order_events SET data = data || '{"amount": 1}' WHERE order_id = $booked AND type = 'ShipmentCharged'
        """,
        "Events tell the amounts",
        "In each currency",
    ),
    plant(
        "2",
        "the subtotal counts something twice",
        """
        UPDATE shipments SET subtotal_minor = subtotal_minor * 2, discount_minor = subtotal_minor
        WHERE order_id = $booked
        """,
        "An invoice is whole",
    ),
    plant(
        "2",
        "a negative tax",
        "UPDATE shipments SET tax_minor = -1, shipping_minor = 1 WHERE order_id = $booked",
        "An invoice is whole",
    ),
    plant(
        "2",
        "one invoice for two shipments",
        """
        UPDATE shipments SET invoice_number = 'INV-1' WHERE order_id IN ($booked, $completed);
        UPDATE order_events SET data = data || '{"number": "INV-1"}'
        WHERE order_id IN ($booked, $completed) AND type = 'ShipmentInvoiced'
        """,
        "An invoice number",
    ),
    plant(
        "2",
        "invoiced before the customer accepted",
        """
        UPDATE order_events SET at = (SELECT at FROM order_events WHERE order_id = $accepted AND seq = 4)
        WHERE order_id = $accepted AND seq = 3;
        UPDATE order_events SET seq = -3 WHERE order_id = $accepted AND seq = 3;
        UPDATE order_events SET seq = 3 WHERE order_id = $accepted AND seq = 4;
        UPDATE order_events SET seq = 4 WHERE order_id = $accepted AND seq = -3
        """,
        "Nothing is invoiced or charged",
    ),
    plant(
        "2",
        "a refund was forgotten",
        "DELETE FROM work WHERE order_id = $refund_due AND queue = 'billing'",
        "A shipment that ended with",
    ),
    plant(
        "2",
        "a charge in flight was forgotten",
        "DELETE FROM work WHERE order_id = $in_flight AND queue = 'billing'",
        "A shipment that ended with",
    ),
)

RULE_3: Final = (
    plant(
        "3",
        "oversold",
        """
        ALTER TABLE stock DROP CONSTRAINT ck_stock_never_oversold;
        UPDATE stock SET on_hand = allocated - 1 WHERE sku = 'MUG'
        """,
        "0 ≤ allocated",
    ),
    plant(
        "3",
        "stock left allocated",
        "UPDATE stock SET allocated = allocated + 1 WHERE sku = 'MUG'",
        "Allocations of open shipments",
    ),
    plant(
        "3",
        "a unit of a line is nowhere",
        "UPDATE order_lines SET quantity = quantity + 1 WHERE order_id = $completed AND number = 1",
        "Once allocated",
    ),
    plant(
        "3",
        "the first line goes short",
        """
        UPDATE order_lines SET unavailable = 2 - number WHERE order_id = $waiting;
        DELETE FROM allocations WHERE order_id = $waiting AND line = 1;
        UPDATE allocations SET quantity = 2 WHERE order_id = $waiting AND line = 2;
        UPDATE order_events SET data = jsonb_set(data, '{unavailable, 0, line}', '1')
        WHERE order_id = $waiting AND type = 'ItemsUnavailable'
        """,
        "A shortage falls",
    ),
    plant(
        "3",
        "the customer was told something else",
        """
        UPDATE order_events SET data = jsonb_set(data, '{unavailable, 0, units}', '2')
        WHERE order_id = $waiting AND type = 'ItemsUnavailable'
        """,
        "The offer made",
    ),
    plant(
        "3",
        "something else was sent",
        "UPDATE allocations SET sku = 'JUG' WHERE order_id = $completed AND line = 1",
        "An allocation is of",
    ),
    plant(
        "3",
        "two shipments from one warehouse",
        """
        UPDATE shipments SET warehouse_code = 'A' WHERE order_id = $split;
        UPDATE order_events SET data = jsonb_set(data, '{shipments, 1, warehouse}', '"A"')
        WHERE order_id = $split AND type = 'ItemsAllocated'
        """,
        "An order has one shipment",
    ),
)

RULE_4: Final = (
    plant("4", "a tally that a retry spoilt", "UPDATE tallies SET spent_minor = spent_minor + 1", "A tally is"),
    plant("4", "a tally that a restart lost", "DELETE FROM tallies", "A tally is"),
    plant(
        "4",
        "charges above the limit",
        """
        UPDATE fraud_events SET after = '{"limit": 14999}' WHERE type = 'SpendingLimitSet';
        UPDATE fraud_settings SET limit_minor = 14999
        """,
        "No charge was started that",
    ),
    plant(
        "4",
        "charges in maintenance",
        "UPDATE fraud_events SET at = '2020-01-01' WHERE type = 'MaintenanceSwitched'",
        "No charge was started in",
    ),
    plant(
        "4",
        "a charge of no period",
        "UPDATE shipments SET spending_period = NULL WHERE order_id = $lost",
        "A payment counts",
    ),
    plant(
        "4",
        "a change of the limit that left no trace",
        """UPDATE fraud_events SET before = '{"limit": 5}' WHERE type = 'SpendingLimitSet'""",
        "Every change of the fraud",
    ),
    plant("4", "a limit nobody set", "UPDATE fraud_settings SET limit_minor = 0", "Folding their trail"),
)
