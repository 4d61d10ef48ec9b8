"""The index of all settings, and those of the shop: name, logo, time zone, default currency, amendment deadline."""

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.shop_settings.policy import ShopPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.platform.locale.language import gettext, ngettext
from oms.platform.locale.time_zone import time_zones
from oms.web.pages.declarations import Entry, Group, Pages, form, page
from oms.web.pages.rendering.form_parsing import InvalidInput, percent, whole_number
from oms.web.pages.rendering.site import Refusals, Site, read_file, read_form, see_other

INDEX: Final = "/settings"
SHOP: Final = f"{INDEX}/shop"
LOGO: Final = f"{SHOP}/logo"
_MINUTE_S: Final = 60


class Card(NamedTuple):
    """A page of settings, as the index shows it."""

    address: str
    icon: str
    title: str
    text: str


def cards() -> list[Card]:
    """In the order of the design's map, as far as there are such pages."""
    _ = gettext
    return [
        Card(SHOP, "tag", _("Shop"), _("Name and logo, time zone, default currency, and the time to answer.")),
        Card("/settings/people", "person", _("People"), _("Who can sign in, and as what.")),
        Card("/manager/stock/warehouses", "shelf", _("Warehouses"), _("The places that shipments leave from.")),
        Card(
            "/manager",
            "shield",
            _("Spending limits and maintenance"),
            _("What customers may spend; a stop of charges."),
        ),
        Card("/manager/audit", "doc", _("Audit log"), _("Who changed what, and when.")),
        Card("/manager/operations", "system", _("Operations"), _("Workers, queues and how fast orders are done.")),
    ]


class SettingsPages(Pages):
    """/settings, /settings/shop and below that."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(
        INDEX,
        needs=ShopPermission.SET_SHOP,
        entry=Entry("Settings", Role.MANAGER, group=Group.BUSINESS, icon="settings", key="s"),
    )
    async def index(self, request: Request, viewer: Viewer) -> Response:
        providers = (await self._site.query(viewer, "manager/settings/index"))["shopProviders"]
        return self._site.render(
            request, viewer, "manager/settings/index", cards=cards(), providers=providers, percent=percent
        )

    @page(SHOP, needs=ShopPermission.SET_SHOP)
    async def shop(self, request: Request, viewer: Viewer) -> Response:
        return await self._shop(request, viewer, Refusals())

    async def _shop(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        settings = (await self._site.query(viewer, "manager/settings/shop"))["shopSettings"]
        return self._site.render(
            request, viewer, "manager/settings/shop", status=422 if refusals.errors else 200, path=SHOP,
            refusals=refusals, settings=settings, offered=_offered(settings["chosen"]) | dict(refusals.entered),
            time_zones=time_zones(), duration=duration, done=request.query_params.get("done"),
        )  # fmt: skip

    @form(SHOP, needs=ShopPermission.SET_SHOP)
    async def change(self, request: Request, viewer: Viewer) -> Response:
        """What is empty is the default again."""
        values = await read_form(request)
        try:
            variables = _chosen(values)
        except InvalidInput as problem:
            return await self._shop(request, viewer, problem.at(("amendmentTimeoutSeconds",), values))
        return await self._change(request, viewer, "set_shop", variables)

    @form(LOGO, needs=ShopPermission.SET_SHOP, shown_at=SHOP)
    async def set_logo(self, request: Request, viewer: Viewer) -> Response:
        picture = await read_file(request, "picture") or b""
        return await self._change(request, viewer, "set_logo", {"picture": base64.b64encode(picture).decode()})

    @form(f"{LOGO}/removal", needs=ShopPermission.SET_SHOP, shown_at=SHOP)
    async def remove_logo(self, request: Request, viewer: Viewer) -> Response:
        return await self._change(request, viewer, "set_logo", {"picture": None})

    async def _change(self, request: Request, viewer: Viewer, name: str, variables: Mapping[str, Any]) -> Response:
        values = await read_form(request)
        _, refusals = await self._site.mutate(viewer, f"manager/settings/{name}", variables, key=values.get("key"))
        if refusals.errors:
            return await self._shop(request, viewer, replace(refusals, entered=values))
        return see_other(f"{SHOP}?done=saved")


def _chosen(values: Mapping[str, str]) -> dict[str, Any]:
    """The variables of the command. Raises InvalidInput."""
    minutes, version = values.get("minutes", "").strip(), values.get("version", "")
    return {
        "name": values.get("name", "").strip() or None,
        "timeZone": values.get("timeZone") or None,
        "currency": values.get("currency", "").strip().upper() or None,
        "timeout": whole_number(minutes, minimum=1, maximum=129_600) * _MINUTE_S if minutes else None,
        "version": int(version) if version.isascii() and version.isdigit() and len(version) < 10 else None,
    }


def _offered(chosen: Mapping[str, Any]) -> dict[str, str]:
    """The values of the form before somebody changes them."""
    seconds = chosen["amendmentTimeoutSeconds"]
    return {
        "name": chosen["name"] or "",
        "timeZone": chosen["timeZone"] or "",
        "currency": chosen["currency"] or "",
        "minutes": "" if seconds is None else str(-(-seconds // _MINUTE_S)),
    }


def duration(seconds: int) -> str:
    """In the largest unit that has it as a whole number."""
    number = {size: seconds // size for size in (86_400, 3_600, _MINUTE_S) if seconds % size == 0}
    if days := number.get(86_400):
        return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}
    if hours := number.get(3_600):
        return ngettext("%(number)s hour", "%(number)s hours", hours) % {"number": hours}
    if minutes := number.get(_MINUTE_S):
        return ngettext("%(number)s minute", "%(number)s minutes", minutes) % {"number": minutes}
    return ngettext("%(number)s second", "%(number)s seconds", seconds) % {"number": seconds}
