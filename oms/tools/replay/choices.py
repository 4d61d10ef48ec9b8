"""Decisions of customers and couriers, derived from hashes: the same order has the same outcome in every run.

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
    NONE = "none"


class Delivery(Enum):
    """The outcome of a shipment."""

    DELIVERED = "delivered"
    NEVER_COLLECTED = "never collected"
    REFUSED_AT_DOOR = "refused at the door"


def per_mille(*words: str) -> int:
    """A number from 0 to 999, evenly distributed over words, and the same for the same words on every machine."""
    digest = blake2b("\x1f".join(words).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") % 1000


def changes_mind(reference: str) -> bool:
    """Whether the customer cancels right after placing."""
    return per_mille("changes mind", reference) < CHANGES_MIND_PER_MILLE


def answer_to_amendment(reference: str) -> Answer:
    """What the customer of an amended order decides, if it is possible."""
    share = per_mille("answer", reference)
    if share < ACCEPTS_PER_MILLE:
        return Answer.ACCEPT
    if share < ACCEPTS_PER_MILLE + CANCELS_PER_MILLE:
        return Answer.CANCEL
    return Answer.NONE


def delivery_of(reference: str, warehouse_code: str) -> Delivery:
    """The outcome of this order's shipment from this warehouse."""
    share = per_mille("delivery", reference, warehouse_code)
    if share < NEVER_COLLECTED_PER_MILLE:
        return Delivery.NEVER_COLLECTED
    if share < NEVER_COLLECTED_PER_MILLE + REFUSED_AT_DOOR_PER_MILLE:
        return Delivery.REFUSED_AT_DOOR
    return Delivery.DELIVERED
