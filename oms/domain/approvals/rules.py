"""When a second person is needed. Pure."""

from dataclasses import dataclass
from typing import Final

from oms.domain.access.permissions import Viewer
from oms.domain.approvals.model import Act, Request
from oms.domain.approvals.policy import ApprovalReason
from oms.domain.audit.model import OVERRIDING
from oms.domain.vocabulary.errors import Problem, Refused
from oms.domain.vocabulary.wording import wording


class AwaitsConfirmation(Refused):
    """The act is not done now. The door rolls back, and stores the `request` for another person."""

    def __init__(self, request: Request) -> None:
        message = wording("This needs a second person: it was requested, and is done when somebody else confirms it.")
        super().__init__(Problem(ApprovalReason.NEEDS_SECOND_PERSON, message))
        self.request = request


@dataclass(frozen=True, slots=True)
class SecondPerson:
    """For which acts of staff: refunds of `refund_minor` and more, 0: for none; and all erasures, or none."""

    refund_minor: int = 0
    erasures: bool = False

    def check_refund(self, viewer: Viewer, request: Request) -> None:
        """Raises AwaitsConfirmation if the request's amount is too much for one person."""
        amount_minor = request.amount_minor or 0
        if self.refund_minor and amount_minor >= self.refund_minor and viewer.role in OVERRIDING:
            raise AwaitsConfirmation(request)

    def check_erasure(self, subject: str, reason: str) -> None:
        """Raises AwaitsConfirmation."""
        if self.erasures:
            raise AwaitsConfirmation(Request(Act.ERASE_CUSTOMER, subject, reason))


ALONE: Final = SecondPerson()
"""Nobody needs a second person, or has just found one."""
