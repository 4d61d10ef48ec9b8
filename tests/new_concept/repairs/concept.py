"""Repairs describe themselves."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.concept.work import WorkKind
from tests.new_concept.repairs.model import EVENTS, REPAIR, RepairStep, due
from tests.new_concept.repairs.policy import RepairAction, RepairPermission, RepairReason
from tests.new_concept.repairs.tables import repairs

REPAIRS: Final = Concept(
    name="repairs",
    tables=(repairs,),
    machines=(REPAIR,),
    events=EVENTS,
    work=(WorkKind("repairs", RepairStep, due, {RepairStep.FINISH: "Finish the repair"}, subject="repair"),),
    permissions=(RepairPermission,),
    reasons=(RepairReason,),
    audit_actions=(RepairAction,),
)
