"""The generic queue describes itself."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.work.policy import WorkPermission
from oms.domain.work.tables import work, workers

WORK: Final = Concept(name="work", tables=(work, workers), permissions=(WorkPermission,))
