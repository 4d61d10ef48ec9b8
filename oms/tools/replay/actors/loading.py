"""Creates what the orders need: warehouses, products and opening stock."""

from collections.abc import Sequence
from typing import Any

from oms.tools.replay.chunks import chunks
from oms.tools.replay.client.api import Api, Rejected
from oms.tools.replay.client.documents import (
    MAX_ROOT_FIELDS,
    SET_STOCK,
    UPSERT_PRODUCTS,
    UPSERT_WAREHOUSES,
    stock_levels,
    subjects,
)
from oms.tools.replay.source.opening_stock import Place
from oms.tools.replay.source.survey import Survey

CHUNK = 1000
"""Maximum of entries in one mutation of the catalogue."""

STOCK_ATTEMPTS = 5


async def load(api: Api, survey: Survey, *, restock: bool) -> int:
    """Creates catalogue and stock; returns how many stock levels were set. Raises: ApiFailure.

    An existing stock level stays, so that a second run does not bring back units that the first one sold. `restock`
    adds the opening stock to it.
    """
    await _send(api, UPSERT_WAREHOUSES, [{"code": c, "name": n} for c, n in survey.warehouses.items()])
    await _send(
        api,
        UPSERT_PRODUCTS,
        [
            {"sku": sku, "name": name, "unitPrice": price_minor, "currency": currency}
            for sku, name, price_minor, currency in survey.products
        ],
    )
    return await _stock(api, survey, restock=restock)


async def _stock(api: Api, survey: Survey, *, restock: bool) -> int:
    stocked = 0
    for places in chunks(tuple(survey.opening_stock), CHUNK):
        for attempt in range(1, STOCK_ATTEMPTS + 1):
            known = await on_hand(api, sorted({sku for sku, _ in places}))
            inputs = [
                _stock_input(place, survey.opening_stock[place], known.get(place))
                for place in places
                if restock or place not in known
            ]
            errors = await _mutate(api, SET_STOCK, inputs) if inputs else []
            if not errors:
                stocked += len(inputs)
                break
            # Jobs changed the stock between reading and writing: read again.
            if attempt == STOCK_ATTEMPTS or any(error["code"] != "CONFLICT" for error in errors):
                raise Rejected(f"setStock: {errors[0]['code']} {errors[0]['message']}")
    return stocked


def _stock_input(place: Place, units: int, known_units: int | None) -> dict[str, Any]:
    sku, warehouse_code = place
    entry = {"sku": sku, "warehouseCode": warehouse_code, "onHand": units + (known_units or 0)}
    if known_units is not None:
        entry["expectedOnHand"] = known_units
    return entry


async def on_hand(api: Api, skus: Sequence[str]) -> dict[Place, int]:
    """The stock of these SKUs by warehouse, without warehouses that never had any. Raises: ApiFailure."""
    units: dict[Place, int] = {}
    for part in chunks(skus, MAX_ROOT_FIELDS):
        data = await api.execute(stock_levels(len(part)), subjects(part))
        for levels in data.values():
            for level in levels:
                units[level["sku"], level["warehouse"]["code"]] = level["onHand"]
    return units


async def _send(api: Api, document: str, inputs: Sequence[dict[str, Any]]) -> None:
    for part in chunks(inputs, CHUNK):
        errors = await _mutate(api, document, part)
        if errors:
            raise Rejected(f"The catalogue was refused: {errors[0]['code']} {errors[0]['message']}")


async def _mutate(api: Api, document: str, inputs: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    errors: list[dict[str, Any]] = (await api.execute(document, {"inputs": inputs}))["answer"]["userErrors"]
    return errors
