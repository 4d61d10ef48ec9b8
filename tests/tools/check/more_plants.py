"""Violations of rules 5 to 9, and rows that belong nowhere; see plants.py."""

from typing import Final

from tests.tools.check.plants import AGAIN, plant

_RELEASED: Final = "order_id = $refunded AND type = 'BookingReleased'"
"""An event on which nothing else depends."""

RULE_5: Final = (
    plant("5", "an event is missing", f"DELETE FROM order_events WHERE {_RELEASED}", "An order's events are numbered"),
    plant(
        "5",
        "the first event is another",
        "UPDATE order_events SET type = 'Ordered' WHERE order_id = $pending",
        "The first event",
        "Folding its events gives an order's",
        "Each event tells",
    ),
    plant(
        "5",
        "back in time",
        f"UPDATE order_events SET at = at - interval '1 day' WHERE {_RELEASED}",
        "An order's events do not",
    ),
    plant("5", "nobody did it", f"UPDATE order_events SET actor = ' ' WHERE {_RELEASED}", "Every event has an actor"),
    plant(
        "5",
        "a king did it",
        f"UPDATE order_events SET actor_role = 'KING' WHERE {_RELEASED}",
        "Every event has an actor",
    ),
    plant(
        "5",
        "an order's status without an event",
        "UPDATE orders SET status = 'TIMED_OUT' WHERE id = $cancelled_pending",
        "Folding its events gives an order's",
    ),
    plant(
        "5",
        "a shipment's status without an event",
        "UPDATE shipments SET status = 'DELIVERED' WHERE order_id = $split AND number = 2",
        "Folding its events gives a shipment's",
    ),
    plant(
        "5",
        "any text as a courier's status",
        "UPDATE shipments SET status = 'IN_A_DITCH' WHERE order_id = $dispatched",
        "Folding its events gives a shipment's",
    ),
    plant(
        "5",
        "a payment's status without an event",
        "UPDATE shipments SET payment_status = 'DECLINED' WHERE order_id = $cancelled_amended",
        "Folding its events gives a payment's",
    ),
    plant(
        "5",
        "an event that does not tell the status before",
        "UPDATE order_events SET data = data - 'from' WHERE order_id = $dispatched AND type = 'ShipmentDispatched'",
        "Each event tells",
    ),
    plant(
        "5",
        "an event that tells of a change it did not make",
        """
        UPDATE order_events SET data = data || '{"to": "BOOKED"}' WHERE order_id = $booked AND type = 'ChargeStarted'
        """,
        "Each event tells",
    ),
    plant(
        "5",
        "held after it was charged",
        AGAIN.replace("{event}", "ChargeHeld").replace("{data}", "{}"),
        "A charge is held",
    ),
    plant(
        "5",
        "closed at another time than its event says",
        "UPDATE orders SET closed_at = closed_at + interval '1 s' WHERE id = $completed",
        "A closed order has",
    ),
    plant(
        "5",
        "a shipment was opened elsewhere",
        """
        UPDATE order_events SET data = jsonb_set(data, '{shipments, 0, warehouse}', '"B"')
        WHERE order_id = $completed AND type = 'ItemsAllocated'
        """,
        "Shipments are those",
    ),
    plant(
        "5",
        "booked at another time than its event says",
        "UPDATE shipments SET booked_at = booked_at - interval '1 s' WHERE order_id = $booked",
        "Instants kept",
    ),
)

RULE_6: Final = (
    plant(
        "6",
        "an event that no live reader gets to",
        f"UPDATE order_events SET transaction = transaction + 1000000 WHERE {_RELEASED}",
        "No event stands ahead",
    ),
)

RULE_7: Final = (
    plant(
        "7",
        "a deadline was moved",
        """
        UPDATE orders SET action_deadline = action_deadline + interval '1 h' WHERE id = $waiting;
        UPDATE work SET due_at = due_at + interval '1 h' WHERE order_id = $waiting
        """,
        "A waiting order's deadline",
    ),
    plant(
        "7",
        "timed out early",
        """
        UPDATE order_events SET data = data || '{"deadline": "2100-01-01T00:00:00+00:00"}'
        WHERE order_id = $timed_out AND type = 'ItemsUnavailable'
        """,
        "An order times out",
    ),
    plant(
        "7",
        "accepted too late",
        """
        UPDATE order_events SET data = data || '{"deadline": "2020-01-01T00:00:00+00:00"}'
        WHERE order_id = $accepted AND type = 'ItemsUnavailable'
        """,
        "An amended order is accepted",
    ),
)

RULE_8: Final = (
    plant("8", "a token of no role", "UPDATE access_tokens SET role = 'KING'", "A token has"),
    plant("8", "a machine's account", "UPDATE accounts SET role = 'SERVICE'", "An account has"),
    plant("8", "a courier who is a customer", "UPDATE accounts SET role = 'COURIER'", "An account has"),
    plant("8", "a session of who is kept out", "UPDATE accounts SET disabled_at = now()", "An account has"),
    plant("8", "a customer's token of nobody", "UPDATE access_tokens SET customer_reference = NULL", "A token has"),
    plant(
        "8",
        "booked by a customer",
        "UPDATE order_events SET actor_role = 'CUSTOMER' WHERE order_id = $booked AND type = 'ShipmentBooked'",
        "Everything that happened",
    ),
    plant("8", "a limit set by a courier", "UPDATE fraud_events SET actor_role = 'COURIER'", "The fraud settings are"),
)

RULE_9: Final = (
    plant(
        "9",
        "work for nothing",
        """
        INSERT INTO work (order_id, shipment, queue, step, due_at) VALUES ($completed, 1, 'billing', 'CHARGE', now())
        """,
        "Work is called for",
    ),
    plant("9", "the wrong step", "UPDATE work SET step = 'CHARGE' WHERE order_id = $charging", "Work is called for"),
    plant(
        "9",
        "a booking that nobody gives up",
        "DELETE FROM work WHERE order_id = $refund_due AND queue = 'booking'",
        "An ended shipment that a courier",
    ),
    plant("9", "parked without a reason", "UPDATE work SET last_error = NULL WHERE order_id = $parked", "Parked work"),
    plant("9", "parked in secret", "UPDATE work SET parked_at = now() WHERE order_id = $retried", "Parked work"),
    plant("9", "held for nothing", "UPDATE work SET held = true WHERE order_id = $charging", "Work is held"),
    plant(
        "9",
        "a lease for ever",
        "UPDATE work SET leased_until = now() + interval '1 day' WHERE claim IS NOT NULL",
        "A lease belongs",
    ),
    plant("9", "a lease of nobody", "UPDATE work SET claim = NULL", "A lease belongs"),
)

LINKS: Final = (
    plant(
        "links",
        "an order was lost",
        "DELETE FROM orders WHERE id = $cancelled_pending",
        "Lines, shipments",
        "A reference is taken",
    ),
    plant("links", "a customer was lost", "DELETE FROM customers WHERE reference = 'bo'", "An order and a tally"),
    plant(
        "links",
        "another customer's name on it",
        "UPDATE orders SET customer_reference = 'nobody' WHERE id = $completed",
        "An order names its customer",
    ),
    plant(
        "links",
        "a reference that is free again",
        "DELETE FROM order_references WHERE order_id = $completed",
        "A reference is taken",
    ),
    plant(
        "links",
        "an allocation of no line",
        "INSERT INTO allocations VALUES ($completed, 1, 99, 'MUG', 1, 0)",
        "An allocation belongs",
    ),
    plant(
        "links",
        "an event of no shipment",
        f"UPDATE order_events SET shipment = 9 WHERE {_RELEASED}",
        "An event or work",
    ),
    plant(
        "links", "an empty order", "DELETE FROM order_lines WHERE order_id = $cancelled_pending", "An order has 1 to"
    ),
    plant(
        "links",
        "a SKU nobody knows",
        "UPDATE order_lines SET sku = 'NONE' WHERE order_id = $cancelled_pending",
        "A line is of",
    ),
    plant(
        "links",
        "nothing ordered",
        "UPDATE order_lines SET quantity = 0 WHERE order_id = $cancelled_pending",
        "A line is of",
    ),
    plant("links", "a warehouse was lost", "DELETE FROM warehouses WHERE code = 'B'", "A shipment leaves"),
)
