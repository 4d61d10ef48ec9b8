"""Violations of rule 9."""

from typing import Final

from tests.tools.check.plants.plant import plant

PLANTS: Final = (
    plant(
        "9",
        "work that nothing calls for",
        """
        INSERT INTO work (subject_id, part, queue, step, due_at) VALUES ($completed, 1, 'billing', 'CHARGE', now())
        """,
        "Work is called for",
    ),
    plant(
        "9",
        "work of an unknown shipment",
        "INSERT INTO work (subject_id, part, queue, step, due_at) VALUES ($charging, 9, 'billing', 'SETTLE', now())",
        "Work is called for",
    ),
    plant(
        "9",
        "work of an unknown order",
        """
        INSERT INTO work (subject_id, part, queue, step, due_at)
        VALUES (gen_random_uuid(), 0, 'allocation', 'ALLOCATE', now())
        """,
        "Work is called for",
    ),
    plant("9", "the wrong step", "UPDATE work SET step = 'CHARGE' WHERE subject_id = $charging", "Work is called for"),
    plant(
        "9",
        "a booking that no work releases",
        "DELETE FROM work WHERE subject_id = $refund_due AND queue = 'booking'",
        "An ended shipment with",
    ),
    plant(
        "9", "parked without an error", "UPDATE work SET last_error = NULL WHERE subject_id = $parked", "Parked work"
    ),
    plant(
        "9", "parked without an event", "UPDATE work SET parked_at = now() WHERE subject_id = $retried", "Parked work"
    ),
    plant("9", "held without a reason", "UPDATE work SET held = true WHERE subject_id = $charging", "Work is held"),
    plant(
        "9",
        "a lease that is too long",
        "UPDATE work SET leased_until = now() + interval '1 day' WHERE claim IS NOT NULL",
        "A lease belongs",
    ),
    plant("9", "a lease without a claim", "UPDATE work SET claim = NULL", "A lease belongs"),
)
