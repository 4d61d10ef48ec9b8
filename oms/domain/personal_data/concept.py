"""Personal data describes itself."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.personal_data.policy import PersonalDataAction, PersonalDataPermission, PersonalDataReason

PERSONAL_DATA: Final = Concept(
    name="personal_data",
    permissions=(PersonalDataPermission,),
    reasons=(PersonalDataReason,),
    audit_actions=(PersonalDataAction,),
)
