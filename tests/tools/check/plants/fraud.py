"""Violations of rule 4."""

from typing import Final

from tests.tools.check.plants.plant import plant

PLANTS: Final = (
    plant("4", "a tally that counts a charge twice", "UPDATE tallies SET spent_minor = spent_minor + 1", "A tally is"),
    plant("4", "a tally that is missing", "DELETE FROM tallies", "A tally is"),
    plant(
        "4",
        "charges above the limit",
        """
        UPDATE fraud_events SET after = '{"limit": 14999, "currency": "USD"}' WHERE after->>'currency' = 'USD';
        UPDATE fraud_settings SET limits = limits || '{"USD": 14999}'
        """,
        "No charge was started that",
    ),
    plant(
        "4",
        "charges above the limit of their own currency, but below that of another",
        """
        UPDATE fraud_events SET after = '{"limit": 999, "currency": "EUR"}' WHERE after->>'currency' = 'EUR';
        UPDATE fraud_settings SET limits = limits || '{"EUR": 999}'
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
        "a charge without a spending period",
        "UPDATE shipments SET spending_period = NULL WHERE order_id = $lost",
        "A payment has a spending",
    ),
    plant(
        "4",
        "a change of the limit without an event",
        """UPDATE fraud_events SET before = before || '{"limit": 5}' WHERE after->>'currency' = 'EUR'""",
        "Every change of the fraud",
    ),
    plant("4", "a limit that no event set", "UPDATE fraud_settings SET limits = '{}'", "Folding their events"),
)
