"""What a person prefers goes before what their browser asks for."""

from oms.domain.access.permissions import Viewer
from oms.platform.locale.language import Language, speak
from oms.platform.locale.time_zone import show_times_in


def answer_as_preferred(viewer: Viewer) -> None:
    """Answer the present request in the viewer's language and time zone, if they have chosen any."""
    if viewer.language:
        speak(Language(viewer.language))
    show_times_in(viewer.time_zone)
