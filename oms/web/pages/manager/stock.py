"""Stock: products with their counts and prices, and warehouses."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.catalog.policy import CatalogPermission
from oms.domain.inventory.policy import InventoryPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.domain.vocabulary.wording import wording
from oms.web.pages.declarations import Entry, Group, Pages, form, page
from oms.web.pages.rendering.form_parsing import InvalidInput, basis_points, minor_units, percent, units, whole_number
from oms.web.pages.rendering.place import Place
from oms.web.pages.rendering.site import PageRefused, Refusals, Site, read_file, read_form, see_other

STOCK: Final = "/manager/stock"
NEW: Final = f"{STOCK}/products/new"
WAREHOUSES: Final = f"{STOCK}/warehouses"


def product_page(sku: str, **more: str) -> str:
    return f"{STOCK}/product?{urlencode({'sku': sku} | more)}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A product's stock in one warehouse, possibly none. `refusals` are those of its form."""

    warehouse: Mapping[str, Any]
    on_hand: int
    allocated: int
    available: int
    refusals: Refusals

    @classmethod
    def of(cls, warehouse: Mapping[str, Any], level: Mapping[str, int], refusals: Refusals) -> "Shelf":
        return cls(warehouse, level["onHand"], level["allocated"], level["available"], refusals)


class StockPages(Pages):
    """/manager/stock and below."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(
        STOCK,
        needs=InventoryPermission.READ_STOCK,
        entry=Entry("Inventory", Role.MANAGER, group=Group.GOODS, icon="shelf", key="i"),
    )
    async def stock(self, request: Request, viewer: Viewer) -> Response:
        """?search=… filters by the start of a SKU or a part of a name; ?after=… continues."""
        search = request.query_params.get("search", "")
        variables = {"search": search, "after": request.query_params.get("after")}
        data = await self._site.query(viewer, "manager/stock/index", variables)
        return self._site.render(
            request, viewer, "manager/stock/index", data=data, search=search, percent=percent,
            product_page=product_page, place=Place.of(STOCK, request.query_params, data["products"], search=search),
        )  # fmt: skip

    @page(f"{STOCK}/product", needs=InventoryPermission.READ_STOCK)
    async def product(self, request: Request, viewer: Viewer) -> Response:
        """?sku=…; ?counted=WAREHOUSE or ?saved confirm a change."""
        return await self._product(request, viewer, request.query_params.get("sku", ""))

    async def _product(
        self, request: Request, viewer: Viewer, sku: str, refusals: Refusals | None = None, path: str | None = None
    ) -> Response:
        refusals = refusals or Refusals()
        data = await self._site.query(viewer, "manager/stock/product", {"sku": sku})
        if data["product"] is None:
            raise PageRefused(404, wording("There is no product with the SKU {sku!r}.", sku=sku))
        price = data["product"]["unitPrice"]
        offered = {
            "name": data["product"]["name"],
            "price": units(price["amount"], price["currency"]),
            "tax": percent(data["product"]["taxBps"]),
        }
        return self._site.render(
            request, viewer, "manager/stock/product", status=422 if refusals.errors else 200, path=path,
            refusals=refusals, data=data, percent=percent, shelves=_shelves(data, refusals),
            offered=offered | dict(refusals.entered), done=request.query_params,
            price_refusals=Refusals() if "warehouse" in refusals.entered else refusals,
        )  # fmt: skip

    @form(f"{STOCK}/counts", needs=CatalogPermission.SET_CATALOG)
    async def count(self, request: Request, viewer: Viewer) -> Response:
        """Sets the units on hand, unless somebody else did since the page was loaded."""
        values = await read_form(request)
        sku, code = values.get("sku", ""), values.get("warehouse", "")
        try:
            on_hand, expected = whole_number(values.get("on_hand", "")), whole_number(values.get("expected", ""))
        except InvalidInput as problem:
            refusals = problem.at(("inputs", "0", "onHand"), values)
        else:
            entry = {"sku": sku, "warehouseCode": code, "onHand": on_hand, "expectedOnHand": expected}
            refusals = await self._set(viewer, "manager/stock/set_stock", entry, values)
        if refusals.errors:
            return await self._product(request, viewer, sku, refusals, product_page(sku))
        return see_other(product_page(sku, counted=code))

    @form(f"{STOCK}/product", needs=CatalogPermission.SET_CATALOG)
    async def change(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        sku = values.get("sku", "")
        refusals = await self._save(viewer, values)
        if refusals.errors:
            return await self._product(request, viewer, sku, refusals, product_page(sku))
        return see_other(product_page(sku, saved=""))

    @form(f"{STOCK}/picture", needs=CatalogPermission.SET_CATALOG)
    async def set_picture(self, request: Request, viewer: Viewer) -> Response:
        """The chosen file, or with `remove` none."""
        values = await read_form(request)
        sku, chosen = values.get("sku", ""), await read_file(request, "picture") or b""
        picture = None if "remove" in values else base64.b64encode(chosen).decode()
        variables = {"sku": sku, "picture": picture}
        _, refusals = await self._site.mutate(viewer, "manager/stock/set_picture", variables, key=values.get("key"))
        if refusals.errors:
            return await self._product(request, viewer, sku, refusals, product_page(sku))
        return see_other(product_page(sku, saved=""))

    @page(NEW, needs=CatalogPermission.SET_CATALOG)
    async def new(self, request: Request, viewer: Viewer) -> Response:
        return await self._new(request, viewer, Refusals())

    async def _new(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        data = await self._site.query(viewer, "manager/stock/new_product")
        return self._site.render(
            request, viewer, "manager/stock/new_product", status=422 if refusals.errors else 200,
            path=NEW if refusals.errors else None, data=data, refusals=refusals,
        )  # fmt: skip

    @form(f"{STOCK}/products", needs=CatalogPermission.SET_CATALOG)
    async def add(self, request: Request, viewer: Viewer) -> Response:
        """Refuses an existing SKU, whose product the API would change."""
        values = await read_form(request)
        sku = values["sku"] = values.get("sku", "").strip()
        if sku and (await self._site.query(viewer, "manager/stock/product", {"sku": sku}))["product"]:
            message = f"A product with the SKU {sku} exists already."
            refusals = Refusals(({"message": message, "path": ["inputs", "0", "sku"]},), values)
        else:
            refusals = await self._save(viewer, values)
        if not refusals.errors:
            return see_other(product_page(sku, saved=""))
        return await self._new(request, viewer, refusals)

    async def _save(self, viewer: Viewer, values: Mapping[str, str]) -> Refusals:
        """Creates or changes the product of a values with sku, name, price, currency and tax in percent."""
        currency = values.get("currency", "").strip().upper()
        at: tuple[str, ...] = ("inputs", "0", "unitPrice")
        try:
            price = minor_units(values.get("price", ""), currency)
            at = ("inputs", "0", "taxBps")
            tax = basis_points(values.get("tax", ""))
        except InvalidInput as problem:
            return problem.at(at, values)
        entry = {
            "sku": values.get("sku", ""),
            "name": values.get("name", "").strip(),
            "unitPrice": price,
            "currency": currency,
            "taxBps": tax,
        }
        return await self._set(viewer, "manager/stock/set_products", entry, values)

    @page(WAREHOUSES, needs=InventoryPermission.READ_STOCK)
    async def warehouses(self, request: Request, viewer: Viewer) -> Response:
        return await self._warehouses(request, viewer, Refusals())

    async def _warehouses(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        data = await self._site.query(viewer, "manager/stock/warehouses", {"after": request.query_params.get("after")})
        return self._site.render(
            request, viewer, "manager/stock/warehouses", status=422 if refusals.errors else 200,
            path=WAREHOUSES if refusals.errors else None, refusals=refusals, data=data,
            place=Place.of(WAREHOUSES, request.query_params, data["warehouses"]),
        )  # fmt: skip

    @form(WAREHOUSES, needs=CatalogPermission.SET_CATALOG)
    async def set_warehouse(self, request: Request, viewer: Viewer) -> Response:
        """A new warehouse, or a new name of an existing one."""
        values = await read_form(request)
        entry = {"code": values.get("code", "").strip(), "name": values.get("name", "").strip()}
        refusals = await self._set(viewer, "manager/stock/set_warehouses", entry, values)
        if refusals.errors:
            return await self._warehouses(request, viewer, refusals)
        return see_other(f"{WAREHOUSES}?{urlencode({'saved': entry['code']})}")

    async def _set(
        self, viewer: Viewer, document: str, entry: Mapping[str, Any], values: Mapping[str, str]
    ) -> Refusals:
        _, refusals = await self._site.mutate(viewer, document, {"inputs": [entry]}, key=values.get("key"))
        return replace(refusals, entered=values)


def _shelves(data: Mapping[str, Any], refusals: Refusals) -> list[Shelf]:
    """One for each warehouse, sorted by code, whether it has the product or not."""
    known = {level["warehouse"]["code"]: level for level in data["product"]["stock"]}
    names = {w["code"]: w for w in data["warehouses"]["nodes"]} | {c: known[c]["warehouse"] for c in known}
    submitted = refusals.entered.get("warehouse")
    nothing = {"onHand": 0, "allocated": 0, "available": 0}
    return [
        Shelf.of(names[code], known.get(code, nothing), refusals if code == submitted else Refusals())
        for code in sorted(names)
    ]
