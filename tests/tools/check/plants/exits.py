"""Violations of rule 1."""

from typing import Final

from tests.tools.check.plants.plant import plant

PLANTS: Final = (
    plant(
        "1",
        "the work of a pending order is missing",
        "DELETE FROM work WHERE subject_id = $pending",
        "A pending order has",
    ),
    plant(
        "1", "the work of a deadline is missing", "DELETE FROM work WHERE subject_id = $waiting", "An amended order has"
    ),
    plant(
        "1",
        "a deadline would act early",
        "UPDATE work SET due_at = due_at - interval '1 min' WHERE subject_id = $waiting",
        "An amended order has",
    ),
    plant(
        "1",
        "a deadline would act late",
        "UPDATE work SET due_at = due_at + interval '1 min' WHERE subject_id = $waiting",
        "An amended order has",
    ),
    plant(
        "1",
        "the work of a charge is missing",
        "DELETE FROM work WHERE subject_id = $charging",
        "A pending shipment of an",
    ),
    plant(
        "1", "the work of a booking is missing", "DELETE FROM work WHERE subject_id = $paid", "A pending shipment of an"
    ),
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
        "No shipment of an open",
    ),
    plant(
        "1",
        "closed without an instant",
        "UPDATE orders SET closed_at = NULL WHERE id = $completed",
        "An order has an instant",
    ),
    plant(
        "1",
        "open with an instant of closing",
        "UPDATE orders SET closed_at = now() WHERE id = $booked",
        "An order has an instant",
    ),
    plant(
        "1",
        "a cancelled order has an open shipment",
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
        "a delivered order has the status failed",
        """
        UPDATE orders SET status = 'FAILED' WHERE id = $completed;
        UPDATE order_events SET type = 'OrderFailed', data = '{"from": "PROCESSING", "to": "FAILED"}'
        WHERE order_id = $completed AND type = 'OrderCompleted'
        """,
        "A final status agrees",
    ),
)
