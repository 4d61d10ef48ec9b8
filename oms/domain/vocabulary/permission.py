"""Permissions describe themselves: what they allow, and which roles have them, on whose data."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Final

from oms.domain.vocabulary.actor import Role


class Reach(StrEnum):
    """On whose data a role may do something."""

    OWN = "their own"
    CARRIED = "what couriers carry"
    ALL = "all"


class Permission(Enum):
    """What a role may do. Each concept declares its own: NAME = phrase that completes "you can't …", reach by role.

    A role that is not named is denied.
    """

    def __init__(self, phrase: str, reach: Mapping[Role, Reach]) -> None:
        self.phrase = phrase
        self.reach = reach

    def __str__(self) -> str:
        return self.phrase


CUSTOMERS: Final = {Role.CUSTOMER: Reach.OWN}
COURIERS: Final = {Role.COURIER: Reach.CARRIED}
MANAGERS: Final = {Role.MANAGER: Reach.ALL}
SUPPORT: Final = {Role.SUPPORT: Reach.ALL}
SERVICES: Final = {Role.SERVICE: Reach.ALL}
STAFF: Final = MANAGERS | SUPPORT
ALL_BUT_COURIERS: Final = CUSTOMERS | STAFF | SERVICES
EVERYBODY: Final = ALL_BUT_COURIERS | COURIERS
EVERYBODY_ALIKE: Final = dict.fromkeys(Role, Reach.ALL)
"""For data that belongs to nobody, such as the list of warehouses."""
ALL_ALIKE_BUT_COURIERS: Final = dict.fromkeys(set(Role) - {Role.COURIER}, Reach.ALL)
