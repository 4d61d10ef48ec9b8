"""`python -m oms user`: the accounts of people. A password is prompted for, read or generated, never an argument."""

import secrets
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer

from oms.domain.vocabulary.actor import Role
from oms.platform.migrations import require_migrated
from oms.platform.settings import CannotStart, Settings
from oms.tools.cli.columns import instant, print_columns
from oms.tools.cli.start import database_url_of, on_engines
from oms.tools.cli.transactions import on_database

if TYPE_CHECKING:
    from oms.domain.identity.accounts import Account, NewAccount
    from oms.platform.db import Database, Tx

T = TypeVar("T")

PAGE: Final = 50
_PAGE_OF_ALL: Final = 500
_GENERATED_BYTES: Final = 15
"""Of randomness: 20 characters in URL-safe base64."""

app = typer.Typer(help="The accounts of people who sign in to the pages.", no_args_is_help=True)

Login = Annotated[str, typer.Argument(help="The login: a word or an e-mail address.")]
FromStdin = Annotated[bool, typer.Option("--password-stdin", help="Read the password from standard input.")]
Generate = Annotated[bool, typer.Option("--generate", help="Generate a password and print only it.")]
NewRole = Annotated[Role, typer.Option(help="What the person may do.", case_sensitive=False)]
Customer = Annotated[str | None, typer.Option(help="The reference of the CUSTOMER.")]

Warehouses = Annotated[
    list[str] | None, typer.Option("--warehouse", help="Limit a COURIER to this warehouse, by its code; repeatable.")
]


@app.command()
def add(
    login: Login,
    role: NewRole,
    name: Annotated[str, typer.Option(help="The person's name, which events record.")],
    customer: Customer = None,
    warehouse: Warehouses = None,
    password_stdin: FromStdin = False,
    generate: Generate = False,
    without_password: Annotated[
        bool, typer.Option("--without-password", help="For a person who signs in by OpenID Connect only.")
    ] = False,
) -> None:
    """Create an account; prompts for a password."""
    from oms.domain.audit.model import OPERATOR
    from oms.domain.identity import account_commands
    from oms.domain.identity.accounts import NewAccount

    settings = _settings()
    new = NewAccount(login, name, role, customer, _codes(warehouse))
    password = None if without_password else _password(generate=generate, from_stdin=password_stdin)

    async def act(database: "Database") -> None:
        password_hash = None if password is None else await _hash_of(password, new, settings)
        async with database.transaction() as tx:
            await account_commands.add(tx, OPERATOR, new, password_hash)

    on_database(database_url_of(settings), act)
    typer.echo(password if generate else f"Created: {login}, {role}.")


@app.command("list")
def show_all(
    after: Annotated[str, typer.Option(help="Only accounts whose login follows this one.")] = "",
    all_of_them: Annotated[bool, typer.Option("--all", help=f"List all instead of {PAGE}.")] = False,
) -> None:
    """List accounts by their logins."""
    from oms.domain.identity import account_commands

    async def act(database: "Database") -> list["Account"]:
        found = list(await account_commands.after(database, after, limit=PAGE + 1))
        while (
            all_of_them
            and found
            and (page := await account_commands.after(database, found[-1].login, limit=_PAGE_OF_ALL))
        ):
            found += page
        return found

    found = on_database(database_url_of(_settings()), act)
    shown = found if all_of_them else found[:PAGE]
    print_columns(
        ("LOGIN", "NAME", "ROLE", "CUSTOMER", "WAREHOUSES", "SIGNS IN BY", "CREATED", "DISABLED"), map(_row, shown)
    )
    if len(shown) < len(found):
        typer.echo(f"There are more: --after {shown[-1].login}, or --all.", err=True)


@app.command()
def show(login: Login) -> None:
    """Show an account."""
    account = on_database(database_url_of(_settings()), lambda database: _of_login(database, login))
    headings = ("login", "name", "role", "customer", "warehouses", "signs in by", "created", "disabled")
    print_columns(("id", str(account.id)), zip(headings, _row(account), strict=True))


@app.command()
def set_password(login: Login, password_stdin: FromStdin = False, generate: Generate = False) -> None:
    """Set an account's password; prompts for it. The account's sessions end."""
    from oms.domain.audit.model import OPERATOR
    from oms.domain.identity import account_commands

    settings = _settings()
    password = _password(generate=generate, from_stdin=password_stdin)

    async def act(database: "Database") -> None:
        account = await _of_login(database, login)
        password_hash = await _hash_of(password, account, settings)
        async with database.transaction() as tx:
            await account_commands.set_password(tx, OPERATOR, account.id, password_hash)

    on_database(database_url_of(settings), act)
    typer.echo(password if generate else f"The password of {login} is set. All its sessions have ended.")


@app.command()
def provider_only(login: Login) -> None:
    """Remove an account's password: its owner signs in by OpenID Connect only. Its sessions end."""
    from oms.domain.audit.model import OPERATOR
    from oms.domain.identity import account_commands

    _change(login, lambda tx, account: account_commands.remove_password(tx, OPERATOR, account.id))
    typer.echo(f"{login} signs in at the provider only. All its sessions have ended.")


@app.command()
def set_role(login: Login, role: NewRole, customer: Customer = None, warehouse: Warehouses = None) -> None:
    """Change an account's role, or the warehouses of a COURIER. Its sessions end."""
    from oms.domain.audit.model import OPERATOR
    from oms.domain.identity import account_commands

    codes = _codes(warehouse)
    _change(login, lambda tx, account: account_commands.set_role(tx, OPERATOR, account.id, role, customer, codes))
    typer.echo(f"{login} is {role} now. All its sessions have ended.")


@app.command()
def rename(
    login: Login, name: Annotated[str, typer.Argument(help="The new name, which events record from now on.")]
) -> None:
    """Change a person's name. Earlier events keep the old name."""
    from oms.domain.audit.model import OPERATOR
    from oms.domain.identity import account_commands

    _change(login, lambda tx, account: account_commands.rename(tx, OPERATOR, account.id, name))
    typer.echo(f"The name of {login} is {name} now.")


@app.command()
def disable(login: Login) -> None:
    """Disable an account: it cannot sign in, and its sessions end."""
    from oms.domain.audit.model import OPERATOR
    from oms.domain.identity import account_commands

    _change(login, lambda tx, account: account_commands.set_disabled(tx, OPERATOR, account.id, disabled=True))
    typer.echo(f"{login} is disabled. All its sessions have ended.")


@app.command()
def enable(login: Login) -> None:
    """Enable a disabled account."""
    from oms.domain.audit.model import OPERATOR
    from oms.domain.identity import account_commands

    _change(login, lambda tx, account: account_commands.set_disabled(tx, OPERATOR, account.id, disabled=False))
    typer.echo(f"{login} may sign in again.")


@app.command()
def sign_out(login: Login) -> None:
    """End all sessions of an account."""
    from oms.domain.audit.model import OPERATOR
    from oms.domain.identity import session_commands

    ended = _change(login, lambda tx, account: session_commands.end_all(tx, OPERATOR, account))
    typer.echo(f"{login} is signed out; sessions ended: {ended}.")


def _codes(warehouses: list[str] | None) -> frozenset[str] | None:
    return frozenset(warehouses) if warehouses else None


def _settings() -> Settings:
    settings = on_engines("user")
    require_migrated(database_url_of(settings))
    return settings


def _change(login: str, change: "Callable[[Tx, Account], Awaitable[T]]") -> T:
    async def act(database: "Database") -> T:
        account = await _of_login(database, login)
        async with database.transaction() as tx:
            return await change(tx, account)

    return on_database(database_url_of(_settings()), act)


async def _of_login(database: "Database", login: str) -> "Account":
    from oms.domain.identity import account_commands

    return await account_commands.of_login(database, login)


def _password(*, generate: bool, from_stdin: bool) -> str:
    """Raises CannotStart if there is no way to get a password."""
    if generate and from_stdin:
        raise CannotStart("Choose one of --generate and --password-stdin.")
    if generate:
        return secrets.token_urlsafe(_GENERATED_BYTES)
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise CannotStart("There is no terminal to prompt for the password: use --password-stdin or --generate.")
    password: str = typer.prompt("Password", hide_input=True, confirmation_prompt="Repeat the password")
    return password


async def _hash_of(password: str, owner: "Account | NewAccount", settings: Settings) -> str:
    """Raises Refused for a password that is easy to guess."""
    from oms.domain.identity import passwords
    from oms.domain.vocabulary.errors import refuse_all

    refuse_all(await passwords.problems_of(password, owner, settings.breached_passwords_file))
    return await passwords.hashed(password)


def _row(account: "Account") -> tuple[str, ...]:
    ways = [("password", account.has_password), ("OpenID Connect", account.openid_subject is not None)]
    return (
        account.login,
        account.name,
        str(account.role),
        account.customer_reference or "",
        ",".join(sorted(account.warehouses or ())),
        ", ".join(way for way, is_there in ways if is_there),
        instant(account.created_at),
        instant(account.disabled_at),
    )
