"""The figures describe themselves."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.figures.policy import FiguresPermission
from oms.domain.figures.tables import figures, figures_progress, operations_samples

FIGURES: Final = Concept(
    name="figures", tables=(figures, figures_progress, operations_samples), permissions=(FiguresPermission,)
)
