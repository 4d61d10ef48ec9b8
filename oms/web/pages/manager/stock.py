"""The manager's stock: products found and browsed, counts set, prices changed, warehouses named."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.web.pages.form_parsing import Unreadable, basis_points, minor_units, percent, units, whole_number
from oms.web.pages.site import NotAllowed, Refusals, Site, form_of, see_other

NEW: Final = "/manager/stock/products/new"
WAREHOUSES: Final = "/manager/stock/warehouses"


def product_page(sku: str, **more: str) -> str:
    return f"/manager/stock/product?{urlencode({'sku': sku} | more)}"


@dataclass(frozen=True, slots=True)
class Shelf:
    """A product's place in one warehouse, empty ones included. `refusals` are about its form."""

    warehouse: Mapping[str, Any]
    on_hand: int
    allocated: int
    available: int
    refusals: Refusals

    @classmethod
    def of(cls, warehouse: Mapping[str, Any], level: Mapping[str, int], refusals: Refusals) -> "Shelf":
        return cls(warehouse, level["onHand"], level["allocated"], level["available"], refusals)


class StockPages:
    """GET /manager/stock and what hangs on it; forms post to counts, product, products and warehouses."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def stock(self, request: Request, viewer: Viewer) -> Response:
        """?search=… for the start of a SKU or a part of a name; ?after=… goes on."""
        search = request.query_params.get("search", "")
        variables = {"search": search, "after": request.query_params.get("after")}
        data = await self._site.query(viewer, "manager/stock", variables)
        return self._site.render(
            request, viewer, "manager/stock", data=data, search=search, percent=percent, product_page=product_page
        )

    async def product(self, request: Request, viewer: Viewer) -> Response:
        """?sku=…; ?counted=WAREHOUSE or ?saved tell what was done just now."""
        return await self._product(request, viewer, request.query_params.get("sku", ""))

    async def _product(
        self, request: Request, viewer: Viewer, sku: str, refusals: Refusals | None = None, path: str | None = None
    ) -> Response:
        refusals = refusals or Refusals()
        data = await self._site.query(viewer, "manager/product", {"sku": sku})
        if data["product"] is None:
            raise NotAllowed(404, f"There is no product with the SKU {sku!r}.")
        price = data["product"]["unitPrice"]
        offered = {
            "name": data["product"]["name"],
            "price": units(price["amount"], price["currency"]),
            "tax": percent(data["product"]["taxBps"]),
        }
        return self._site.render(
            request, viewer, "manager/product", status=422 if refusals.errors else 200, path=path, refusals=refusals,
            data=data, shelves=_shelves(data, refusals), offered=offered | dict(refusals.entered),
            done=request.query_params, price_refusals=Refusals() if "warehouse" in refusals.entered else refusals,
        )  # fmt: skip

    async def count(self, request: Request, viewer: Viewer) -> Response:
        """Sets what is on hand, unless somebody else did since the page was read."""
        form = await form_of(request)
        sku, code = form.get("sku", ""), form.get("warehouse", "")
        try:
            on_hand, expected = whole_number(form.get("on_hand", "")), whole_number(form.get("expected", ""))
        except Unreadable as problem:
            refusals = problem.beside(("inputs", "0", "onHand"), form)
        else:
            entry = {"sku": sku, "warehouseCode": code, "onHand": on_hand, "expectedOnHand": expected}
            refusals = await self._set(viewer, "manager/set_stock", entry, form)
        if refusals.errors:
            return await self._product(request, viewer, sku, refusals, product_page(sku))
        return see_other(product_page(sku, counted=code))

    async def change(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        sku = form.get("sku", "")
        refusals = await self._save(viewer, form)
        if refusals.errors:
            return await self._product(request, viewer, sku, refusals, product_page(sku))
        return see_other(product_page(sku, saved=""))

    async def new(self, request: Request, viewer: Viewer) -> Response:
        return await self._new(request, viewer, Refusals())

    async def _new(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        data = await self._site.query(viewer, "manager/new_product")
        return self._site.render(
            request, viewer, "manager/new_product", status=422 if refusals.errors else 200,
            path=NEW if refusals.errors else None, data=data, refusals=refusals,
        )  # fmt: skip

    async def add(self, request: Request, viewer: Viewer) -> Response:
        """A new product only: the API would change one that exists, which is another page's business."""
        form = await form_of(request)
        sku = form["sku"] = form.get("sku", "").strip()
        if sku and (await self._site.query(viewer, "manager/product", {"sku": sku}))["product"]:
            message = f"There is a product with the SKU {sku} already."
            refusals = Refusals(({"message": message, "path": ["inputs", "0", "sku"]},), form)
        else:
            refusals = await self._save(viewer, form)
        if not refusals.errors:
            return see_other(product_page(sku, saved=""))
        return await self._new(request, viewer, refusals)

    async def _save(self, viewer: Viewer, form: Mapping[str, str]) -> Refusals:
        """Creates or changes the product of a form with sku, name, price, currency and tax in percent."""
        currency = form.get("currency", "").strip().upper()
        at: tuple[str, ...] = ("inputs", "0", "unitPrice")
        try:
            price = minor_units(form.get("price", ""), currency)
            at = ("inputs", "0", "taxBps")
            tax = basis_points(form.get("tax", ""))
        except Unreadable as problem:
            return problem.beside(at, form)
        entry = {
            "sku": form.get("sku", ""),
            "name": form.get("name", "").strip(),
            "unitPrice": price,
            "currency": currency,
            "taxBps": tax,
        }
        return await self._set(viewer, "manager/set_products", entry, form)

    async def warehouses(self, request: Request, viewer: Viewer) -> Response:
        return await self._warehouses(request, viewer, Refusals())

    async def _warehouses(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        data = await self._site.query(viewer, "manager/warehouses", {"after": request.query_params.get("after")})
        return self._site.render(
            request, viewer, "manager/warehouses", status=422 if refusals.errors else 200,
            path=WAREHOUSES if refusals.errors else None, refusals=refusals, data=data,
        )  # fmt: skip

    async def set_warehouse(self, request: Request, viewer: Viewer) -> Response:
        """A new one, or a new name for one that there is."""
        form = await form_of(request)
        entry = {"code": form.get("code", "").strip(), "name": form.get("name", "").strip()}
        refusals = await self._set(viewer, "manager/set_warehouses", entry, form)
        if refusals.errors:
            return await self._warehouses(request, viewer, refusals)
        return see_other(f"{WAREHOUSES}?{urlencode({'saved': entry['code']})}")

    async def _set(self, viewer: Viewer, document: str, entry: Mapping[str, Any], form: Mapping[str, str]) -> Refusals:
        _, refusals = await self._site.act(viewer, document, {"inputs": [entry]}, key=form.get("key"))
        return replace(refusals, entered=form)


def _shelves(data: Mapping[str, Any], refusals: Refusals) -> list[Shelf]:
    """One for each warehouse, whether it knows the product or not, in the order of codes."""
    known = {level["warehouse"]["code"]: level for level in data["product"]["stock"]}
    names = {w["code"]: w for w in data["warehouses"]["nodes"]} | {c: known[c]["warehouse"] for c in known}
    asked = refusals.entered.get("warehouse")
    nothing = {"onHand": 0, "allocated": 0, "available": 0}
    return [
        Shelf.of(names[code], known.get(code, nothing), refusals if code == asked else Refusals())
        for code in sorted(names)
    ]
