"""Pictures describe themselves."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.pictures.policy import PictureAction, PictureReason
from oms.domain.pictures.tables import product_pictures

PICTURES: Final = Concept(
    name="pictures", tables=(product_pictures,), reasons=(PictureReason,), audit_actions=(PictureAction,)
)
