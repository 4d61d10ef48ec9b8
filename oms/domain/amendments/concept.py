"""Amendments describe themselves."""

from datetime import timedelta
from typing import Final

from oms.domain.amendments.policy import AmendmentPermission
from oms.domain.amendments.rules import DeadlineStep, due
from oms.domain.concept.declaration import Concept
from oms.domain.concept.standstill import Cause
from oms.domain.concept.work import WorkKind
from oms.domain.vocabulary.wording import wording

NO_ANSWER: Final = Cause(
    "NO_ANSWER",
    wording("its customer has not answered"),
    wording("The customer accepts or cancels; at the deadline the order times out."),
    after=timedelta(days=3),
)

AMENDMENTS: Final = Concept(
    name="amendments",
    work=(
        WorkKind(
            "deadlines",
            DeadlineStep,
            due,
            {DeadlineStep.EXPIRE: "Time out unless the customer answers"},
            waits_for_people=NO_ANSWER,
        ),
    ),
    permissions=(AmendmentPermission,),
)
