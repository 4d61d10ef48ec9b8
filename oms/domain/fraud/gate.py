"""While fraud control is in maintenance, work that needs its verdict is held."""

from typing import Final

from oms.domain.concept.standstill import Cause
from oms.domain.concept.work import Gate
from oms.domain.vocabulary.wording import wording

MAINTENANCE: Final = Gate(
    is_open="NOT (SELECT maintenance FROM fraud_settings WHERE id = 1)",
    cause=Cause(
        "MAINTENANCE",
        wording("charges wait for the end of maintenance"),
        wording("A manager ends the maintenance of fraud control; held charges then continue automatically."),
    ),
)
