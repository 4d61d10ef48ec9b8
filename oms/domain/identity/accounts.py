"""Who can have an account, and under which name they sign in."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer
from oms.domain.identity.policy import IdentityReason
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Problem, refused
from oms.domain.vocabulary.text import CODE_LENGTH, NAME_LENGTH, check_text

LOGIN_LENGTH: Final = 254
"""Room for any e-mail address."""

PEOPLE: Final = frozenset(Role) - {Role.SERVICE}
"""The roles of people; machines have tokens instead."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """What an account is made of. `login` is told apart without regard to case; only a CUSTOMER has a reference."""

    login: str
    name: str
    role: Role
    customer_reference: str | None = None

    def problems(self) -> Iterator[Problem]:
        yield from login_problems(self.login)
        yield from check_text(self.name, "name", max_length=NAME_LENGTH)
        yield from role_problems(self.role, self.customer_reference)


@dataclass(frozen=True, slots=True)
class Account:
    """An account as it stands. What proves who signs in is not in it, only whether there is a password.

    `changed_at` is when the password, the role or whether it is enabled last changed: who proved earlier than that to
    be its owner has to do so again.
    """

    id: UUID
    login: str
    name: str
    role: Role
    customer_reference: str | None
    has_password: bool
    openid_issuer: str | None
    openid_subject: str | None
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None

    @property
    def viewer(self) -> Viewer:
        """Its owner, in no session."""
        return Viewer(self.name, self.role, self.customer_reference, principal=f"account:{self.id}")


def account_id_of(viewer: Viewer) -> UUID:
    """Raises Refused(FORBIDDEN) for a machine."""
    if not viewer.is_person:
        raise refused(IdentityReason.NO_ACCOUNT, "A token has no account: sign in as a person to do this.")
    return UUID(viewer.principal.removeprefix("account:"))


def normalized_login(login: str) -> str:
    """The one spelling of all that differ in case, width or surrounding spaces only."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", login).casefold()).strip()


def login_problems(login: str) -> Iterator[Problem]:
    yield from check_text(login, "login", max_length=LOGIN_LENGTH)
    if any(character.isspace() or not character.isprintable() for character in normalized_login(login)):
        yield Problem(IdentityReason.BAD_LOGIN, "login must be one word, such as ana or ana@example.com.", ("login",))


def role_problems(role: Role, customer_reference: str | None) -> Iterator[Problem]:
    if role not in PEOPLE:
        yield Problem(
            IdentityReason.ROLE_FOR_MACHINES,
            f"People can't be {role}: issue a token for the machine instead.",
            ("role",),
        )
    if (role == Role.CUSTOMER) != (customer_reference is not None):
        message = "A customer reference goes with the role CUSTOMER, and only with it."
        yield Problem(IdentityReason.ROLE_NEEDS_CUSTOMER, message, ("customer",))
    elif customer_reference is not None:
        yield from check_text(customer_reference, "customer", max_length=CODE_LENGTH)
