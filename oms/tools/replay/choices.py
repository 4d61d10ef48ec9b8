"""What customers and couriers decide, chosen by hash: the same order meets the same fate in every run.

Shares are per mille. docs/guides/replay.md lists them.
"""

from enum import Enum
from hashlib import blake2b

CHANGES_MIND_PER_MILLE = 5
NEVER_COLLECTED_PER_MILLE = 5
REFUSED_AT_DOOR_PER_MILLE = 5
ACCEPTS_PER_MILLE = 500
CANCELS_PER_MILLE = 250


class Answer(Enum):
    """What a customer does about an amended order."""

    ACCEPT = "accept"
    CANCEL = "cancel"
    SILENCE = "silence"


class Delivery(Enum):
    """How a shipment's way ends."""

    DELIVERED = "delivered"
    NEVER_COLLECTED = "never collected"
    REFUSED_AT_DOOR = "refused at the door"


def per_mille(*words: str) -> int:
    """A number of 0–999, evenly spread over words, and equal for equal words on every machine."""
    digest = blake2b("\x1f".join(words).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 1000


def changes_mind(reference: str) -> bool:
    """Whether the customer cancels right after placing."""
    return per_mille("changes mind", reference) < CHANGES_MIND_PER_MILLE


def answer_to_amendment(reference: str) -> Answer:
    """What the customer of an amended order wants, if it can be had."""
    share = per_mille("answer", reference)
    if share < ACCEPTS_PER_MILLE:
        return Answer.ACCEPT
    if share < ACCEPTS_PER_MILLE + CANCELS_PER_MILLE:
        return Answer.CANCEL
    return Answer.SILENCE


def delivery_of(reference: str, warehouse_code: str) -> Delivery:
    """What becomes of the shipment that leaves this warehouse for this order."""
    share = per_mille("delivery", reference, warehouse_code)
    if share < NEVER_COLLECTED_PER_MILLE:
        return Delivery.NEVER_COLLECTED
    if share < NEVER_COLLECTED_PER_MILLE + REFUSED_AT_DOOR_PER_MILLE:
        return Delivery.REFUSED_AT_DOOR
    return Delivery.DELIVERED
