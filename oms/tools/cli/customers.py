"""`python -m oms customer`: exports or erases the data of a customer."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from oms.tools.cli.start import on_migrated_database
from oms.tools.cli.transactions import on_database

if TYPE_CHECKING:
    from oms.platform.db import Database

app = typer.Typer(help="Export or erase the data of a customer: docs/guides/personal-data.md.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="The customer's reference.")]


@app.command()
def export(reference: Reference) -> None:
    """Print all stored data of the customer, as JSON."""

    async def act(database: "Database") -> dict[str, Any]:
        from oms.domain.audit.model import OPERATOR
        from oms.domain.personal_data import commands

        async with database.transaction() as tx:
            return await commands.export(tx, OPERATOR, reference)

    exported = on_database(on_migrated_database("customer"), act)
    typer.echo(json.dumps(exported, indent=2, ensure_ascii=False))


@app.command()
def erase(
    reference: Reference,
    reason: Annotated[str, typer.Option(help="Why, for the audit log; without personal data.")],
) -> None:
    """Erase the customer's personal data; orders and amounts stay. Print the customer's pseudonym."""

    async def act(database: "Database") -> str:
        from oms.domain.audit.model import OPERATOR
        from oms.domain.personal_data import commands

        async with database.transaction() as tx:
            return (await commands.erase(tx, OPERATOR, reference, reason)).pseudonym

    typer.echo(on_database(on_migrated_database("customer"), act))
