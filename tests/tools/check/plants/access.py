"""Violations of rule 8."""

from typing import Final

from tests.tools.check.plants.plant import plant

PLANTS: Final = (
    plant("8", "a token with an unknown role", "UPDATE access_tokens SET role = 'KING'", "A token has"),
    plant("8", "an account with the role of a machine", "UPDATE accounts SET role = 'SERVICE'", "An account has"),
    plant("8", "an account of a courier names a customer", "UPDATE accounts SET role = 'COURIER'", "An account has"),
    plant("8", "a disabled account has a session", "UPDATE accounts SET disabled_at = now()", "An account has"),
    plant(
        "8", "a customer's token names no customer", "UPDATE access_tokens SET customer_reference = NULL", "A token has"
    ),
    plant(
        "8",
        "booked by a customer",
        "UPDATE order_events SET actor_role = 'CUSTOMER' WHERE order_id = $booked AND type = 'ShipmentBooked'",
        "Every event was caused",
    ),
    plant("8", "a limit set by a courier", "UPDATE fraud_events SET actor_role = 'COURIER'", "Only managers"),
)
