"""Identity describes itself."""

from typing import Final

from oms.domain.access.permissions import SchemaPermission
from oms.domain.concept.declaration import Concept
from oms.domain.identity.policy import IdentityAction, IdentityPermission, IdentityReason
from oms.domain.identity.tables import accounts, known_devices, sessions
from oms.domain.vocabulary.errors import AccessReason

IDENTITY: Final = Concept(
    name="identity",
    tables=(accounts, sessions, known_devices),
    permissions=(SchemaPermission, IdentityPermission),
    reasons=(AccessReason, IdentityReason),
    audit_actions=(IdentityAction,),
)
