"""What a person prefers goes before what their browser asks for."""

from oms.domain.access.permissions import Viewer
from oms.domain.vocabulary.actor import Role
from oms.platform.locale.language import Language, speak
from oms.platform.locale.time_zone import show_times_in


def answer_as_preferred(viewer: Viewer, *, shop_zone: str | None) -> None:
    """Answer the present request in the viewer's language and time zone, if they have chosen any.

    Else staff and couriers see the shop's time zone. Customers see their browser's, and the shop's only without a
    script: theirs may be another.
    """
    if viewer.language:
        speak(Language(viewer.language))
    of_shop = None if viewer.role == Role.CUSTOMER else shop_zone
    show_times_in(viewer.time_zone or of_shop, otherwise=shop_zone)
