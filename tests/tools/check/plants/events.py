"""Violations of rule 5."""

from typing import Final

from tests.tools.check.plants.plant import AGAIN, RELEASED, plant

PLANTS: Final = (
    plant("5", "an event is missing", f"DELETE FROM order_events WHERE {RELEASED}", "An order's events are numbered"),
    plant(
        "5",
        "the first event is another",
        "UPDATE order_events SET type = 'Ordered' WHERE order_id = $pending",
        "The first event",
        "Folding its events gives an order's",
        "An event names the change",
    ),
    plant(
        "5",
        "back in time",
        f"UPDATE order_events SET at = at - interval '1 day' WHERE {RELEASED}",
        "An order's events do not",
    ),
    plant(
        "5",
        "an event without an actor",
        f"UPDATE order_events SET actor = ' ' WHERE {RELEASED}",
        "Every event has an actor",
    ),
    plant(
        "5",
        "an event with an unknown role",
        f"UPDATE order_events SET actor_role = 'KING' WHERE {RELEASED}",
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
        "a shipment with an unknown status",
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
        "an event that does not name the status before",
        "UPDATE order_events SET data = data - 'from' WHERE order_id = $dispatched AND type = 'ShipmentDispatched'",
        "An event names the change",
    ),
    plant(
        "5",
        "an event that names a change that it did not cause",
        """
        UPDATE order_events SET data = data || '{"to": "BOOKED"}' WHERE order_id = $booked AND type = 'ChargeStarted'
        """,
        "An event names the change",
    ),
    plant(
        "5",
        "held after the charge",
        AGAIN.replace("{event}", "ChargeHeld").replace("{data}", "{}"),
        "Folding its events gives a payment's",
    ),
    plant(
        "5",
        "closed at another instant than its event",
        "UPDATE orders SET closed_at = closed_at + interval '1 s' WHERE id = $completed",
        "A closed order has",
    ),
    plant(
        "5",
        "a shipment from another warehouse",
        """
        UPDATE order_events SET data = jsonb_set(data, '{shipments, 0, warehouse}', '"B"')
        WHERE order_id = $completed AND type = 'ItemsAllocated'
        """,
        "Shipments are those",
    ),
    plant(
        "5",
        "booked at another instant than its event",
        "UPDATE shipments SET booked_at = booked_at - interval '1 s' WHERE order_id = $booked",
        "The instants stored",
    ),
    plant(
        "5",
        "an attempt that was not counted",
        "UPDATE shipments SET attempts = 0 WHERE order_id = $dispatched",
        "The instants stored",
    ),
)
