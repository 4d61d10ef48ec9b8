"""The audit log describes itself."""

from typing import Final

from oms.domain.audit.policy import AuditPermission, ReadAction, RefusalAction, RetentionAction
from oms.domain.audit.tables import audit_addresses, audit_chain, audit_events
from oms.domain.concept.declaration import Concept

AUDIT: Final = Concept(
    name="audit",
    tables=(audit_events, audit_addresses, audit_chain),
    permissions=(AuditPermission,),
    audit_actions=(RefusalAction, ReadAction, RetentionAction),
)
