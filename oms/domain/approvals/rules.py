"""When a second person is needed. Pure."""

from dataclasses import dataclass
from typing import Final

from oms.domain.access.permissions import Viewer
from oms.domain.approvals.model import Act, Request
from oms.domain.approvals.policy import ApprovalReason
from oms.domain.audit.model import OVERRIDING
from oms.domain.vocabulary.errors import Problem, Refused
from oms.domain.vocabulary.money import NO_AMOUNTS, Amounts
from oms.domain.vocabulary.wording import wording


class AwaitsConfirmation(Refused):
    """The act is not done now. The door rolls back, and stores the `request` for another person."""

    def __init__(self, request: Request) -> None:
        message = wording("This needs a second person: it was requested, and is done when somebody else confirms it.")
        super().__init__(Problem(ApprovalReason.NEEDS_SECOND_PERSON, message))
        self.request = request


@dataclass(frozen=True, slots=True)
class SecondPerson:
    """For which acts of staff: refunds of `refund_minor` and more in their currency; and all erasures, or none."""

    refund_minor: Amounts = NO_AMOUNTS
    erasures: bool = False

    def check_refund(self, viewer: Viewer, request: Request) -> None:
        """Raises AwaitsConfirmation if the request's amount is too much for one person."""
        least = self.refund_minor.of(request.currency or "")
        if least and (request.amount_minor or 0) >= least and viewer.role in OVERRIDING:
            raise AwaitsConfirmation(request)

    def check_erasure(self, subject: str, reason: str) -> None:
        """Raises AwaitsConfirmation."""
        if self.erasures:
            raise AwaitsConfirmation(Request(Act.ERASE_CUSTOMER, subject, reason))


ALONE: Final = SecondPerson()
"""Nobody needs a second person, or has just found one."""
