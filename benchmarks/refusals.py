"""The cost of refused requests: CPU time of the server for the worst known requests.

`python -m benchmarks.refusals`: sends each to the application in process, as a supporter or as a service, so that what
is measured is the server's work alone: reading, parsing, judging, and writing the refusal.
"""

import asyncio
import gc
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import httpx
import orjson
from graphql import get_introspection_query

from oms.app import build_app
from oms.domain.tokens.commands import issue_token
from oms.domain.vocabulary.actor import Role
from oms.platform.db import Database
from oms.platform.migrations import migrate
from oms.platform.settings import load_settings
from oms.schema.schema import schema
from oms.tools.dev_services.embedded import Engines

TRIES: Final = 5
PROMISED_MS: Final = 50

MIB: Final = 1024 * 1024


def asking(query: str, **variables: Any) -> Callable[[int], bytes]:
    """The body of a request, different each time, so that no document is cached."""
    return lambda n: orjson.dumps({"query": f"{query}\n# {n}", "variables": variables})


def repeated(count: int, text: Callable[[int], str], around: str = "{ %s }") -> str:
    return around % " ".join(text(n) for n in range(count))


def _fragments(count: int, spreads: int) -> str:
    """Each spreads the next one several times, and all select the same fields."""
    each = (f"fragment F{n} on Query {{ viewer {{ name }}{f' ...F{n + 1}' * spreads} }}" for n in range(count))
    return "{ ...F0 } " + " ".join(each) + f" fragment F{count} on Query {{ viewer {{ name }} }}"


def _pairs(count: int) -> str:
    """Fragments side by side: validation compares the fields of every pair."""
    fields = " ".join(f"f{n}: viewer {{ name role }}" for n in range(2))
    each = (f"fragment F{n} on Query {{ {fields} orders {{ nodes {{ id status }} }} }}" for n in range(count))
    return "{" + " ".join(f"...F{n}" for n in range(count)) + " nothing }" + " ".join(each)


INTROSPECTION_BOMB: Final = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
STOCK: Final = "mutation ($i: [StockInput!]!) { setStock(inputs: $i) { changed } }"
PLACE: Final = "mutation ($i: [PlaceOrderInput!]!) { placeOrders(inputs: $i) { results { order { id } } } }"
DEEP_COST: Final = """{ orders(first: 100) { nodes { customer { orders(first: 100) { nodes { customer {
  orders(first: 100) { nodes { id } } } } } } } } }"""

REQUESTS: Final[dict[str, Callable[[int], bytes]]] = {
    "10,000 aliases": asking(repeated(10_000, lambda n: f"a{n}: viewer {{ name }}")),
    "as many aliases as fit into the tokens": asking(repeated(330, lambda n: f"a{n}: viewer {{ name }}")),
    "100 aliases, the most, and an unknown field": asking(repeated(100, lambda n: f"a{n}: viewer {{ nam{n} }}")),
    "4 MiB of {": asking("{" * (4 * MIB - 100)),
    "64 KiB of {": asking("{" * 65_000),
    "64 KiB of a string": asking('{ order(id: "' + "x" * 65_000 + '") { id nothing } }'),
    "64 KiB of a name": asking("{ " + "x" * 65_000 + " }"),
    "64 KiB of blanks": asking("{ " + " " * 65_000 + " nothing }"),
    "64 KiB of a comment": asking("{ a #" + "x" * 65_000 + "\n b }"),
    "200 comments": asking("{ nothing " + "# x\n" * 199 + "}"),
    "100,000 fragments": asking(repeated(100_000, lambda n: f"fragment F{n} on Query {{ viewer {{ name }} }}", "%s")),
    "49 fragments that double at each step": asking(_fragments(48, 2)),
    "49 fragments side by side, compared with each other": asking(_pairs(49)),
    "nested 10,000 deep": asking("{ a " * 10_000),
    "nested 190 deep": asking("{ a " * 190 + "}" * 190),
    "a list nested 190 deep": asking("{ order(id: " + "[" * 190 + "]" * 190 + ") { id } }"),
    "1,490 fields": asking(repeated(1_490, lambda n: f"x{n}")),
    "one field 990 times": asking(repeated(990, lambda _: "viewer")),
    "one field 10 times, 60 times over": asking(
        repeated(60, lambda _: f"... @skip(if: false) {{ {'viewer { name } ' * 5}}}")
    ),
    "inline fragments with the same fields": asking(
        repeated(120, lambda _: "... on Query { viewer { name role } nothing }")
    ),
    "95 fields 12 times each, all to be compared": asking(
        repeated(12, lambda _: " ".join(f"a{n}: viewer" for n in range(5)) + " ".join(f" x{n}" for n in range(95)))
    ),
    "32 fragments side by side, with fields of their own": asking(
        repeated(32, lambda n: f"...F{n}", "{ %s nothing }")
        + repeated(32, lambda n: f" fragment F{n} on Query {{ {' '.join(f'x{n}y{m}' for m in range(30))} }}", "%s")
    ),
    "1,000 directives": asking("{ viewer " + "@skip(if: true) " * 1_000 + "{ name } }"),
    "1,000 arguments": asking("{ orders(" + repeated(600, lambda n: f"a{n}: 1", "%s") + ") { nodes { id } } }"),
    "600 variables": asking("query(" + repeated(600, lambda n: f"$a{n}: Int", "%s") + ") { viewer { name } }"),
    "50 operations, all variables undefined": asking(
        repeated(50, lambda n: f"query Q{n} {{ a: order(id: $x{n}) {{ id }} b: order(id: $y{n}) {{ id }} }}", "%s")
    ),
    "an introspection bomb": asking(INTROSPECTION_BOMB),
    "GraphiQL's introspection, as a service": asking(get_introspection_query()),
    "three pages in each other": asking(DEEP_COST),
    "250,000 variables": lambda n: orjson.dumps(
        {"query": f"{{ viewer {{ nam }} }} # {n}", "variables": {f"v{n}": 1 for n in range(250_000)}}
    ),
    "150,000 variables": lambda n: orjson.dumps(
        {"query": f"{{ viewer {{ nam }} }} # {n}", "variables": {f"v{n}": 1 for n in range(149_990)}}
    ),
    "4 MiB of a string in a variable": asking("query ($x: ID!) { order(id: $x) { nothing } }", x="x" * (4 * MIB - 200)),
    "300,000 inputs": asking(STOCK, i=[{}] * 300_000),
    "9,000 wrong inputs": asking(STOCK, i=[{"sku": 1}] * 9_000),
    "JSON nested 100,000 deep": lambda _: b"[" * 100_000,
    "JSON nested 1,000 deep in a variable": lambda _: (
        b'{"query": "query ($i: [StockInput!]!) { setStock(inputs: $i) { changed } }", "variables": {"i": '
        + b"[" * 1_000 + b"]" * 1_000 + b"}}"
    ),
    "JSON with 500,000 numbers in extensions": lambda _: orjson.dumps(
        {"query": "{ viewer { nam } }", "extensions": {"x": [1] * 500_000}}
    ),
    "5 MiB": lambda _: b" " * 5 * MIB,
    "a batch of 10,000": lambda _: orjson.dumps([{"query": "{ __typename }"}] * 10_000),
}  # fmt: skip
"""Sent by support, except those of a service."""

BY_SERVICE: Final = {"GraphiQL's introspection, as a service"}


async def _measure(client: httpx.AsyncClient, name: str, body: Callable[[int], bytes], token: str) -> str:
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    times_ms: list[float] = []
    answer = httpx.Response(0)
    size = 0
    for n in range(TRIES):
        content = body(n)
        size = len(content)
        request = client.build_request("POST", "/graphql", content=content, headers=headers)
        began_s = time.process_time()
        answer = await client.send(request)
        times_ms.append((time.process_time() - began_s) * 1000)
    refusal = answer.json()["errors"][0]["message"] if "errors" in answer.json() else "NOT REFUSED"
    times_ms.sort()
    mark = "  TOO MUCH" if times_ms[TRIES // 2] > PROMISED_MS else ""
    return f"| {name} | {size:,} | {times_ms[TRIES // 2]:.1f} | {times_ms[-1]:.1f} | {refusal[:70]} |{mark}"


async def _main(folder: Path) -> None:
    with Engines(folder / "engines", durable=False) as engines:
        await asyncio.to_thread(migrate, engines.owner_url)
        settings = load_settings(database_url=engines.database_url, redis_url=engines.redis_url)
        db = Database(engines.database_url, pool_size=2, notify=lambda _: None)
        tokens = {}
        async with db.transaction() as tx:
            for role in (Role.SUPPORT, Role.SERVICE):
                tokens[role] = await issue_token(tx, role=role, name=role, customer_reference=None, days=None)
        transport = httpx.ASGITransport(build_app(settings, schema))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            gc.freeze()  # as `python -m oms web` does before it serves
            print("| request | bytes | CPU ms, median | worst | refused with |\n| --- | --- | --- | --- | --- |")
            for name, body in REQUESTS.items():
                role = Role.SERVICE if name in BY_SERVICE else Role.SUPPORT
                print(await _measure(client, name, body, tokens[role]))
        await db.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="oms-refusals-") as scratch:
        Path(scratch).chmod(0o711)  # root's databases run as another user, who has to enter
        asyncio.run(_main(Path(scratch)))
