"""People's accounts, for managers."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Self
from uuid import UUID

import strawberry
from graphql import GraphQLError

from oms.domain.access.permissions import may
from oms.domain.identity import passwords
from oms.domain.identity import people_commands as commands
from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.identity.policy import IdentityPermission
from oms.domain.identity.signing_in import hashing
from oms.domain.vocabulary import ids
from oms.domain.vocabulary.paging import cursor_of
from oms.platform.db import Tx
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.connections import PAGE, After, Connection, First, connection, size
from oms.schema.runtime.context import Context, Info
from oms.schema.runtime.enums import Role
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, mutation, object_type
from oms.schema.runtime.scalars import Instant


@object_type(needs=IdentityPermission.MANAGE_PEOPLE)
class Person:
    """Somebody who can sign in."""

    id: strawberry.ID = attribute("For the commands on this person.")
    login: str = attribute("What the person signs in with, in small letters.")
    name: str = attribute("Events record it.")
    role: Role = attribute("What the person may do.")
    customer_reference: str | None = attribute("Whose orders a CUSTOMER sees; null with another role.")
    warehouses: list[str] | None = attribute("The codes of those that a COURIER is limited to; null: all.")
    has_password: bool = attribute("Whether the person may sign in with a password.")
    is_linked: bool = attribute("Whether the person has signed in at the provider of OpenID Connect.")
    created_at: Instant = attribute("When the account was added.")
    disabled_at: Instant | None = attribute("Since when the person cannot sign in; null: they can.")
    viewer_can_restrict: bool = attribute("To change the role, disable it, reset the password: not one's own.")

    @classmethod
    def of(cls, account: Account, context: Context) -> Self:
        return cls(
            id=strawberry.ID(ids.account_id(account.id)),
            login=account.login,
            name=account.name,
            role=account.role,
            customer_reference=account.customer_reference,
            warehouses=None if account.warehouses is None else sorted(account.warehouses),
            has_password=account.has_password,
            is_linked=account.openid_subject is not None,
            created_at=Instant(account.created_at),
            disabled_at=Instant(account.disabled_at) if account.disabled_at else None,
            viewer_can_restrict=commands.may_restrict(context.viewer, account),
        )


PersonId = Annotated[strawberry.ID, argument("As people and person return it.")]
Name = Annotated[str, argument("The person's name, which events record.")]
RoleOfPerson = Annotated[Role, argument("What the person may do; SERVICE is for machines.")]
CustomerReference = Annotated[str | None, argument("The reference of a CUSTOMER; only with that role.")]
WarehouseCodes = Annotated[
    list[str] | None, argument("The codes of those that a COURIER is limited to. Default: all; only with that role.")
]


@strawberry.type
class Queries:
    """Queries of people."""

    @field(
        "All who have an account, in the order of their logins. For managers.",
        needs=IdentityPermission.MANAGE_PEOPLE,
    )
    async def people(
        self,
        info: Info,
        first: First = PAGE,
        after: After = None,
        role: Annotated[Role | None, argument("Only people with this role. Default: everybody.")] = None,
    ) -> Connection[Person]:
        context = info.context
        page = await commands.people(context.db, context.viewer, first=size(first), after=after, role=role)
        return connection(
            page,
            after=after,
            cursor=lambda account: cursor_of(account.login),
            node=lambda account: Person.of(account, context),
        )

    @field("Null when there is none; for managers.", needs=IdentityPermission.MANAGE_PEOPLE)
    async def person(self, info: Info, id: PersonId) -> Person | None:  # noqa: A002 - as elsewhere in the API
        context = info.context
        found = await commands.person(context.db, context.viewer, _key_of(id))
        return Person.of(found, context) if found else None


@object_type(needs=NOTHING_MORE)
class PersonPayload:
    """The person now, or why nothing was done."""

    key: strawberry.Private[UUID | None]
    password: str | None = attribute(
        "A new password to hand over. Only in the first response: it is stored nowhere. If it is lost, reset it.",
        needs=IdentityPermission.MANAGE_PEOPLE,
    )
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")

    @field("As they are after the change; null with any error.", needs=IdentityPermission.MANAGE_PEOPLE)
    async def person(self, info: Info) -> Person | None:
        if self.key is None:
            return None
        found = await commands.person(info.context.db, info.context.viewer, self.key)
        return Person.of(found, info.context) if found else None


def _key_of(text: str) -> UUID:
    """For a malformed id, the key of nobody: the result is the same."""
    return ids.parse_account(text) or ids.NO_ID


async def _run(info: Info, act: Callable[[Tx], Awaitable[UUID]], *, password: str | None = None) -> PersonPayload:
    """`password` is only returned if `act` ran: a repeated request finds that it is done already."""
    has_run = False

    async def act_and_identify(tx: Tx) -> str:
        nonlocal has_run
        key = await act(tx)
        has_run = True
        return key.hex

    key, errors = await run_command(info, act_and_identify)
    return PersonPayload(
        key=None if key is None else UUID(hex=key),
        password=password if has_run and not errors else None,
        user_errors=errors,
    )


async def _hash_of(info: Info, password: str | None) -> str | None:
    """None without a password, or for a viewer whose command is refused anyway: a hash takes 50 ms."""
    if password is None or not may(info.context.viewer, IdentityPermission.MANAGE_PEOPLE):
        return None
    try:
        with hashing.KNOWN.place():
            return await passwords.hashed(password)
    except hashing.LaneFull as full:
        raise GraphQLError(str(full), extensions={"code": "UNAVAILABLE"}) from full


@strawberry.type
class Mutations:
    """Commands of managers on people's accounts."""

    @mutation(
        "Makes an account. The person signs in with the password in the payload, or by OpenID Connect.",
        needs=IdentityPermission.MANAGE_PEOPLE,
    )
    async def add_person(
        self,
        info: Info,
        login: Annotated[str, argument("A word or an e-mail address that nobody else has; its case does not matter.")],
        name: Name,
        role: RoleOfPerson,
        customer: CustomerReference = None,
        warehouses: WarehouseCodes = None,
        with_password: Annotated[
            bool, argument("Whether to make a password; without one, only by OpenID Connect.")
        ] = True,
    ) -> PersonPayload:
        password = commands.new_password() if with_password else None
        password_hash = await _hash_of(info, password)
        new = NewAccount(login, name, role, customer, _codes(warehouses))
        return await _run(info, lambda tx: commands.add(tx, info.context.viewer, new, password_hash), password=password)

    @mutation(
        "Sets all of these; if the role, the customer or the warehouses change, the person's sessions end.",
        needs=IdentityPermission.MANAGE_PEOPLE,
    )
    async def change_person(
        self,
        info: Info,
        person_id: PersonId,
        name: Name,
        role: RoleOfPerson,
        customer: CustomerReference = None,
        warehouses: WarehouseCodes = None,
    ) -> PersonPayload:
        viewer, key = info.context.viewer, _key_of(person_id)
        return await _run(
            info,
            lambda tx: commands.change(
                tx, viewer, key, name=name, role=role, customer_reference=customer, warehouses=_codes(warehouses)
            ),
        )

    @mutation(
        "Whoever is disabled cannot sign in, and is signed out everywhere.", needs=IdentityPermission.MANAGE_PEOPLE
    )
    async def set_person_disabled(
        self,
        info: Info,
        person_id: PersonId,
        disabled: Annotated[bool, argument("False lets the person sign in again.")],
    ) -> PersonPayload:
        viewer, key = info.context.viewer, _key_of(person_id)
        return await _run(info, lambda tx: commands.set_disabled(tx, viewer, key, disabled=disabled))

    @mutation("Signs the person out everywhere.", needs=IdentityPermission.MANAGE_PEOPLE)
    async def end_person_sessions(self, info: Info, person_id: PersonId) -> PersonPayload:
        viewer, key = info.context.viewer, _key_of(person_id)
        return await _run(info, lambda tx: commands.end_sessions(tx, viewer, key))

    @mutation(
        "Gives the person a new password, in the payload, and signs them out everywhere.",
        needs=IdentityPermission.MANAGE_PEOPLE,
    )
    async def reset_password(self, info: Info, person_id: PersonId) -> PersonPayload:
        viewer, key, password = info.context.viewer, _key_of(person_id), commands.new_password()
        password_hash = await _hash_of(info, password) or ""
        return await _run(info, lambda tx: commands.reset_password(tx, viewer, key, password_hash), password=password)


def _codes(warehouses: list[str] | None) -> frozenset[str] | None:
    return None if warehouses is None else frozenset(warehouses)
