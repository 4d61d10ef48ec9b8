"""Enums of the domain as enums of the schema, with their descriptions; the contract's where it has one."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import strawberry

from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.machine import Machine

__all__ = ["Role", "described", "meanings"]

E = TypeVar("E", bound=StrEnum)


def described(enum: type[E], name: str, description: str, values: Mapping[E, str]) -> type[E]:
    """The same enum, usable in the schema. Each of its values needs a description."""
    strawberry.enum(enum, name=name, description=description)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]  # set by the line above
        value.description = values.get(enum(value.value))
    return enum


def meanings(machine: Machine[E]) -> dict[E, str]:
    """The descriptions of a machine's statuses."""
    return {status: text.meaning for status, text in machine.texts.items()}


described(
    Role,
    "Role",
    "What a person or a client is allowed to do depends on it.",
    {
        Role.CUSTOMER: "Orders, and sees their own orders.",
        Role.COURIER: "Picks up and delivers shipments.",
        Role.MANAGER: "Runs the shop: its settings, catalogue and stock.",
        Role.SUPPORT: "Helps customers, and mends what is stuck.",
        Role.SERVICE: "A machine client such as the shopping cart.",
    },
)
