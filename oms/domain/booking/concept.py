"""Booking describes itself."""

from typing import Final

from oms.domain.booking.rules import BookingStep, due
from oms.domain.concept.declaration import Concept
from oms.domain.concept.work import WorkKind
from oms.domain.order.events import SHIPMENT_PART

BOOKING: Final = Concept(
    name="booking",
    work=(
        WorkKind(
            "booking",
            BookingStep,
            due,
            {BookingStep.BOOK: "Book a courier", BookingStep.RELEASE: "Cancel the courier's booking"},
            part=SHIPMENT_PART,
        ),
    ),
)
