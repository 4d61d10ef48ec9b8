"""What happens to an order's work when it keeps failing."""

from collections.abc import Mapping
from typing import Final

from oms.domain.order.events import SHIPMENT_PART, full_stop
from oms.domain.vocabulary.events import Event, EventKind, EventType, Sentence
from oms.domain.vocabulary.wording import Wording, wording


class ParkedEvent(EventType):
    """Recorded in the order's event log; no machine knows them."""

    WorkParked = "WorkParked"
    WorkRetried = "WorkRetried"


def _sentence(text: str) -> Sentence:
    def sentence(event: Event, _: str) -> Wording:
        number = event.number_of(SHIPMENT_PART)
        about = wording("shipment {n}", n=number) if number else wording("the order")
        queue: str = event.data["queue"]
        return full_stop(wording(text, queue=wording(queue.capitalize()), about=about), event)

    return sentence


PARKED_EVENTS: Final[Mapping[EventType, EventKind]] = {
    ParkedEvent.WorkParked: EventKind(_sentence("{queue} of {about} keeps failing and waits for support")),
    ParkedEvent.WorkRetried: EventKind(_sentence("{queue} of {about} is tried again")),
}
