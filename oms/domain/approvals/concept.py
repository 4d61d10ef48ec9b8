"""Approvals describe themselves."""

from typing import Final

from oms.domain.approvals.policy import ApprovalAction, ApprovalPermission, ApprovalReason
from oms.domain.approvals.tables import approvals
from oms.domain.concept.declaration import Concept

APPROVALS: Final = Concept(
    name="approvals",
    tables=(approvals,),
    permissions=(ApprovalPermission,),
    reasons=(ApprovalReason,),
    audit_actions=(ApprovalAction,),
)
