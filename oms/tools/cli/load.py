"""`python -m oms load`: puts a steady load on the running demo, and reports what came of it."""

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated, Final

import typer

from oms.platform.settings import CannotStart, Settings, load_settings
from oms.tools.cli.start import on_engines

if TYPE_CHECKING:
    from oms.tools.load import Result

MAX_PER_SECOND: Final = 20
MAX_MINUTES: Final = 10


def load(
    rate: Annotated[int, typer.Option(min=1, max=MAX_PER_SECOND, help="Orders a second.")] = 5,
    minutes: Annotated[int, typer.Option(min=1, max=MAX_MINUTES, help="Duration.")] = 2,
    deliver: Annotated[
        bool, typer.Option("--deliver", help="Dispatch and deliver the shipments as well, so that orders complete.")
    ] = False,
    url: Annotated[str | None, typer.Option(help="The API's address; default: the running instance's.")] = None,
) -> None:
    """Place made-up orders at a steady rate, in the demo only.

    Ctrl-C ends it early. Exit 1 if requests were refused.
    """
    configured = load_settings()
    if configured.database_url is not None and not configured.demo:
        raise CannotStart(
            "This would place made-up orders in a database that is not a demo's. Set OMS_DEMO=true if it is, or unset "
            "OMS_DATABASE_URL to use the instance of `python -m oms run`."
        )
    settings = on_engines("load")
    result = asyncio.run(_run(settings, url, rate, minutes * 60, deliver=deliver))
    typer.echo(f"Orders placed        {result.placed:,} ({result.placed_per_s:.1f} per second)")
    if deliver:
        typer.echo(f"Shipments delivered  {result.delivered:,}")
    typer.echo(
        f"Refused              {result.refused:,}" + (f"; last: {result.last_problem}" if result.refused else "")
    )
    raise typer.Exit(1 if result.refused else 0)


async def _run(settings: Settings, url: str | None, rate: int, seconds: float, *, deliver: bool) -> "Result":
    from oms.tools.load import LoadGenerator, NotAccepted
    from oms.tools.replay.client.access import NoToken, address_of, token

    try:
        cart_token, courier_token = await token("SERVICE", "load-cart"), await token("COURIER", "load-courier")
        generator = LoadGenerator(url or address_of(settings), cart_token=cart_token, courier_token=courier_token)
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, generator.stop)
        return await generator.run(per_second=rate, seconds=seconds, deliver=deliver)
    except (NoToken, NotAccepted) as problem:
        raise CannotStart(f"The load generator could not start: {problem}") from problem
