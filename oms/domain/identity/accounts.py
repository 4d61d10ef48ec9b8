"""Accounts: who can have one, and with which login."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Carries, Viewer
from oms.domain.identity.policy import IdentityReason
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import Problem, refused
from oms.domain.vocabulary.texts.checks import NAME_LENGTH, check_code, check_name
from oms.domain.vocabulary.wording import wording

LOGIN_LENGTH: Final = 254
"""Enough for any e-mail address."""

PEOPLE: Final = frozenset(Role) - {Role.SERVICE}
"""The roles of people; machines have tokens instead."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """Input for a new account. The case of `login` makes no difference; only a CUSTOMER has a reference.

    `warehouses`: the only ones from which a COURIER carries shipments; None: all.
    """

    login: str
    name: str
    role: Role
    customer_reference: str | None = None
    warehouses: frozenset[str] | None = None

    def problems(self) -> Iterator[Problem]:
        yield from login_problems(self.login)
        yield from check_name(self.name, "name", max_length=NAME_LENGTH)
        yield from role_problems(self.role, self.customer_reference, self.warehouses)


@dataclass(frozen=True, slots=True)
class Account:
    """A stored account, without the hash of its password.

    `changed_at`: when the password, the role or whether it is enabled last changed. A password that was verified before
    then must be verified again.
    """

    id: UUID
    login: str
    name: str
    role: Role
    customer_reference: str | None
    warehouses: frozenset[str] | None
    has_password: bool
    openid_issuer: str | None
    openid_subject: str | None
    created_at: datetime
    changed_at: datetime
    disabled_at: datetime | None

    @property
    def viewer(self) -> Viewer:
        """Its owner, outside of a session."""
        principal, carries = f"account:{self.id}", Carries(self.warehouses)
        return Viewer(self.name, self.role, self.customer_reference, principal=principal, carries=carries)


def account_id_of(viewer: Viewer) -> UUID:
    """Raises Refused(FORBIDDEN) for a machine."""
    if not viewer.is_person:
        raise refused(IdentityReason.NO_ACCOUNT, wording("A token has no account: sign in as a person to do this."))
    return UUID(viewer.principal.removeprefix("account:"))


def normalized_login(login: str) -> str:
    """The same for all logins that differ only in case, width or surrounding spaces.

    Raises ValueError above LOGIN_LENGTH: nobody has such a login, and the work grows with the square of its length.
    """
    if len(login) > LOGIN_LENGTH:
        raise ValueError(f"a login of {len(login)} characters")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", login).casefold()).strip()


def login_problems(login: str) -> Iterator[Problem]:
    problems = list(check_code(login, "login", max_length=LOGIN_LENGTH))
    yield from problems
    if not problems and any(
        character.isspace() or not character.isprintable() for character in normalized_login(login)
    ):
        yield Problem(
            IdentityReason.BAD_LOGIN, wording("login must be one word, such as ana or ana@example.com."), ("login",)
        )


def role_problems(
    role: Role, customer_reference: str | None, warehouses: frozenset[str] | None = None
) -> Iterator[Problem]:
    if role not in PEOPLE:
        yield Problem(
            IdentityReason.ROLE_FOR_MACHINES,
            wording("People can't be {role}: issue a token for the machine instead.", role=role),
            ("role",),
        )
    if (role == Role.CUSTOMER) != (customer_reference is not None):
        message = wording("Give a customer reference with the role CUSTOMER, and only with it.")
        yield Problem(IdentityReason.ROLE_NEEDS_CUSTOMER, message, ("customer",))
    elif customer_reference is not None:
        yield from check_code(customer_reference, "customer")
    if warehouses is not None and role != Role.COURIER:
        message = wording("Only a COURIER is limited to warehouses; leave them out.")
        yield Problem(IdentityReason.ROLE_HAS_NO_WAREHOUSES, message, ("warehouses",))
    for code in sorted(warehouses or ()):
        yield from check_code(code, "warehouses")
