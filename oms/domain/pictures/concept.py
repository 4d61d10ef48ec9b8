"""Pictures describe themselves."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.pictures.policy import PictureReason

PICTURES: Final = Concept(name="pictures", reasons=(PictureReason,))
