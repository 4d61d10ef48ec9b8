"""Violations of rule 2."""

from typing import Final

from tests.tools.check.plants.plant import AGAIN, plant

PLANTS: Final = (
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
        "The amount charged",
        "In each currency",
    ),
    plant(
        "2",
        "charged although declined",
        "UPDATE shipments SET charged_minor = 1 WHERE order_id = $declined",
        "The amount charged",
        "In each currency",
    ),
    plant(
        "2",
        "refunded without the status",
        "UPDATE shipments SET refunded_minor = 1 WHERE order_id = $booked",
        "A refund pays back",
        "In each currency",
    ),
    plant(
        "2",
        "an event has another amount",
        "UPDATE order_events SET data = data || '{\"amount\": 1}' WHERE order_id = $booked AND type = 'ChargeStarted'",
        "Events have the amounts",
    ),
    plant(
        "2",
        "money was taken that no event records",
        """
        UPDATE order_events SET data = data || '{"amount": 1}' WHERE order_id = $booked AND type = 'ShipmentCharged'
        """,
        "Events have the amounts",
        "In each currency",
    ),
    plant(
        "2",
        "the subtotal counts something twice",
        """
        UPDATE shipments SET subtotal_minor = subtotal_minor * 2, discount_minor = subtotal_minor
        WHERE order_id = $booked
        """,
        "An invoice is complete",
    ),
    plant(
        "2",
        "a negative tax",
        "UPDATE shipments SET tax_minor = -1, shipping_minor = 1 WHERE order_id = $booked",
        "An invoice is complete",
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
        "An order is found by",
        "No order is found by",
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
        "the work of a refund is missing",
        "DELETE FROM work WHERE subject_id = $refund_due AND queue = 'billing'",
        "A shipment that ended with",
    ),
    plant(
        "2",
        "the work of a charge in flight is missing",
        "DELETE FROM work WHERE subject_id = $in_flight AND queue = 'billing'",
        "A shipment that ended with",
    ),
)
