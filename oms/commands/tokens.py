"""`python -m oms token`: bearer tokens for machines."""

import asyncio
from typing import Annotated

import typer

from oms.commands.start import on_migrated_database
from oms.domain.actor import Role
from oms.settings import CannotStart

app = typer.Typer(help="Issue a bearer token and print it, and nothing else. It can't be shown again.")


@app.callback(invoke_without_command=True)
def issue(
    role: Annotated[Role, typer.Option(help="What the bearer may do.", case_sensitive=False)],
    name: Annotated[str, typer.Option(help="Who it is for; events carry this name.")],
    customer: Annotated[str | None, typer.Option(help="A CUSTOMER's own reference.")] = None,
    days: Annotated[int | None, typer.Option(help="Days until it expires; without, it does not.")] = None,
) -> None:
    """Issue a bearer token and print it, and nothing else. It can't be shown again."""
    url = on_migrated_database("token")
    typer.echo(asyncio.run(_issue(url, role=role, name=name, customer=customer, days=days)))


async def _issue(database_url: str, *, role: Role, name: str, customer: str | None, days: int | None) -> str:
    from oms.db import Database
    from oms.domain.access.handle import issue_token
    from oms.domain.refusal import Refused

    database = Database(database_url, pool_size=1, ring=lambda _: None)
    try:
        async with database.transaction() as tx:
            return await issue_token(tx, role=role, name=name, customer_reference=customer, days=days)
    except Refused as refusal:
        raise CannotStart("\n".join(problem.message for problem in refusal.problems)) from refusal
    finally:
        await database.close()
