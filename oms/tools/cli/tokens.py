"""`python -m oms token`: bearer tokens for machines."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from oms.domain.vocabulary.actor import Role
from oms.platform.settings import CannotStart
from oms.tools.cli.columns import instant, print_columns
from oms.tools.cli.start import on_migrated_database
from oms.tools.cli.transactions import on_database

if TYPE_CHECKING:
    from oms.domain.tokens.model import AccessToken
    from oms.domain.vocabulary.permission import Permission
    from oms.platform.db import Database

PAGE = 50
_PAGE_OF_ALL = 500

Days = Annotated[int, typer.Option(min=0, max=3650, help="Days until it expires; 0: never.")]

app = typer.Typer(help="Issue a bearer token, or list and revoke tokens.")


@app.callback(invoke_without_command=True)
def issue(
    context: typer.Context,
    role: Annotated[Role | None, typer.Option(help="What the bearer may do.", case_sensitive=False)] = None,
    name: Annotated[str | None, typer.Option(help="Name of the bearer, which events record.")] = None,
    customer: Annotated[str | None, typer.Option(help="The reference of the CUSTOMER.")] = None,
    warehouse: Annotated[
        list[str] | None, typer.Option(help="Limit a COURIER to this warehouse, by its code; repeatable.")
    ] = None,
    days: Days = 90,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            metavar="PERMISSION", help="Limit the token to this permission, for example PLACE_ORDER; repeatable."
        ),
    ] = None,
) -> None:
    """Issue a bearer token and print only it; standard error says when it expires. It cannot be shown again."""
    if context.invoked_subcommand:
        return
    if role is None or name is None:
        raise typer.BadParameter("A token needs --role and --name.")
    permissions = _permissions(scope)
    url = on_migrated_database("token")

    async def act(database: "Database") -> str:
        from oms.domain.tokens.commands import issue_token

        async with database.transaction() as tx:
            return await issue_token(
                tx,
                role=role,
                name=name,
                customer_reference=customer,
                days=days or None,
                scope=permissions,
                warehouses=frozenset(warehouse) if warehouse else None,
            )

    token = on_database(url, act)
    typer.echo(_expiry(days), err=True)
    typer.echo(token)


@app.command()
def rotate(
    token_id: Annotated[UUID, typer.Argument(metavar="ID", help="The token's id; see: token list.")],
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=720, help="Hours for which the old secret works too; 0: it ends now.")
    ] = 24,
    days: Days = 90,
) -> None:
    """Print a new secret for the same token. The old one works for a while, so that its holder can change over."""
    url = on_migrated_database("token")

    async def act(database: "Database") -> tuple[str, "AccessToken"]:
        from oms.domain.tokens.commands import rotate_token

        async with database.transaction() as tx:
            return await rotate_token(tx, token_id, days=days or None, overlap=timedelta(hours=overlap_hours))

    token, rotated = on_database(url, act)
    old = f"works until {instant(rotated.previous_until)}" if overlap_hours else "has ended"
    typer.echo(f"{_expiry(days)} The old secret {old}.", err=True)
    typer.echo(token)


def _expiry(days: int) -> str:
    return f"It expires in {days} days; rotate it before." if days else "It never expires: rotate it yearly."


@app.command("list")
def show_issued(
    before: Annotated[UUID | None, typer.Option(help="Only tokens issued before the one with this id.")] = None,
    all_of_them: Annotated[bool, typer.Option("--all", help=f"List all instead of {PAGE}.")] = False,
) -> None:
    """List all tokens, also expired and revoked ones, newest first."""
    from oms.domain.tokens import commands

    url = on_migrated_database("token")

    async def act(database: "Database") -> list["AccessToken"]:
        last = before or commands.LAST
        found = list(await commands.issued(database, before=last, limit=PAGE + 1))
        while (
            all_of_them and found and (page := await commands.issued(database, before=found[-1].id, limit=_PAGE_OF_ALL))
        ):
            found += page
        return found

    found = on_database(url, act)
    shown = found if all_of_them else found[:PAGE]
    print_columns(
        ("ID", "NAME", "ROLE", "CUSTOMER", "WAREHOUSES", "SCOPE", "CREATED", "EXPIRES", "REVOKED"), map(_row, shown)
    )
    if len(shown) < len(found):
        typer.echo(f"There are more: --before {shown[-1].id}, or --all.", err=True)


@app.command()
def revoke(token_id: Annotated[UUID, typer.Argument(metavar="ID", help="The token's id; see: token list.")]) -> None:
    """Revoke a token. Its open connections end within seconds."""
    url = on_migrated_database("token")

    async def act(database: "Database") -> "AccessToken":
        from oms.domain.tokens.commands import revoke_token

        async with database.transaction() as tx:
            return await revoke_token(tx, token_id)

    revoked = on_database(url, act)
    typer.echo(f"Revoked: {revoked.name}, {revoked.role}.")


def _permissions(names: list[str] | None) -> "frozenset[Permission] | None":
    """Raises CannotStart, with all permissions, for an unknown name."""
    if not names:
        return None
    from oms.domain.concepts import REGISTRY

    permissions = REGISTRY.permissions
    requested = {name.upper().replace("-", "_") for name in names}
    if unknown := sorted(requested - permissions.keys()):
        raise CannotStart(f"Unknown permissions: {', '.join(unknown)}. Known: {', '.join(sorted(permissions))}.")
    return frozenset(permissions[name] for name in requested)


def _row(token: "AccessToken") -> tuple[str, ...]:
    scope = "all of its role" if token.scope is None else ",".join(sorted(token.scope))
    times = map(instant, (token.created_at, token.expires_at, token.revoked_at))
    warehouses = ",".join(sorted(token.warehouses or ()))
    return (str(token.id), token.name, str(token.role), token.customer_reference or "", warehouses, scope, *times)
