"""Placing orders without workers, to measure the writing of orders."""

from collections.abc import Mapping, Sequence
from typing import Final

from benchmarks.load.catalogue import an_order
from benchmarks.load.figures import Figures, memory, percentiles, spending
from benchmarks.load.ground import Ground
from benchmarks.load.http import Connection, Document, NotAsExpected
from benchmarks.load.loops import closed_loop
from benchmarks.yardstick.pgbench import transactions_per_s
from oms.domain.vocabulary.actor import Role

PLACE: Final = """mutation Place($input: PlaceOrderInput!) {
  placeOrder(input: $input) { order { id } userErrors { code message path } } }"""
PLACE_MANY: Final = """mutation PlaceMany($inputs: [PlaceOrderInput!]!) {
  placeOrders(inputs: $inputs) { results { order { id } userErrors { code message path } } userErrors { message } } }"""

PLACED: Final = b'"userErrors":[]'
IN_A_REQUEST: Final = 100
ANSWERED: Final = b'],"userErrors":[]}}'
REQUESTS_AT_ONCE: Final = 4


def placing(ground: Ground, document: Document) -> bytes:
    """The request for a new order."""
    return document({"input": an_order(ground.reference())})


async def place_many(ground: Ground, connection: Connection, inputs: Sequence[Mapping[str, object]]) -> None:
    """Places so many orders, without measuring."""
    document = ground.document(Role.SERVICE, PLACE_MANY)
    for first in range(0, len(inputs), IN_A_REQUEST):
        await connection.ask(document({"inputs": inputs[first : first + IN_A_REQUEST]}), ANSWERED)


async def single(ground: Ground, seconds: float) -> Figures:
    """Measures the yardstick before and after; `ratio`: of the rates."""
    before = await transactions_per_s(ground.shop.engines.owner_url, seconds)
    document = ground.document(Role.SERVICE, PLACE)
    async with ground.connections(ground.options.connections) as connections:
        with spending(ground.shop.processes) as spent:
            times_s = await closed_loop(connections, lambda: placing(ground, document), PLACED, seconds)
    after = await transactions_per_s(ground.shop.engines.owner_url, seconds)
    figures = spent.each(len(times_s)) | percentiles(times_s) | memory(ground.shop.processes)
    yardstick = (before + after) / 2
    return figures | {"pgbench_per_s": yardstick, "ratio": figures["rate_per_s"] / yardstick}


async def bulk(ground: Ground, seconds: float) -> Figures:
    """Percentiles of requests, other figures of orders. Raises NotAsExpected if an order was not placed."""
    document = ground.document(Role.SERVICE, PLACE_MANY)

    def request() -> bytes:
        return document({"inputs": [an_order(ground.reference()) for _ in range(IN_A_REQUEST)]})

    before = await ground.placed()
    async with ground.connections(REQUESTS_AT_ONCE) as connections:
        with spending(ground.shop.processes) as spent:
            times_s = await closed_loop(connections, request, ANSWERED, seconds)
    count = await ground.placed() - before
    if count != IN_A_REQUEST * len(times_s):
        raise NotAsExpected(f"{count} orders were placed by {len(times_s)} requests of {IN_A_REQUEST}")
    return spent.each(count) | percentiles(times_s) | memory(ground.shop.processes)
