"""The audit log describes itself."""

from typing import Final

from oms.domain.audit.policy import AuditPermission, RefusalAction
from oms.domain.audit.tables import audit_events
from oms.domain.concept.declaration import Concept

AUDIT: Final = Concept(
    name="audit",
    tables=(audit_events,),
    permissions=(AuditPermission,),
    audit_actions=(RefusalAction,),
)
