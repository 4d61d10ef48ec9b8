"""Enums of the domain as enums of the schema, with the contract's descriptions."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

import strawberry

from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.machine import Machine

__all__ = ["Role", "described", "meanings"]

E = TypeVar("E", bound=StrEnum)


def described(enum: type[E], name: str, descriptions: Mapping[E, str]) -> type[E]:
    """The same enum, usable in the schema."""
    strawberry.enum(enum, name=name)
    for value in enum.__strawberry_definition__.values:  # type: ignore[attr-defined]  # set by the line above
        value.description = descriptions.get(enum(value.value))
    return enum


def meanings(machine: Machine[E]) -> dict[E, str]:
    """The descriptions of a machine's statuses."""
    return {status: text.meaning for status, text in machine.texts.items()}


described(Role, "Role", {Role.SERVICE: "A machine client such as the shopping cart."})
