"""The manager's overview: fraud control, each change of it with a page that explains and asks, and their trail."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.web.pages import words
from oms.web.pages.form_parsing import Unreadable, minor_units, units
from oms.web.pages.site import Refusals, Site, form_of, see_other

HOME: Final = "/manager"


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the trail in words."""

    event: Mapping[str, Any]
    what: str
    before: str
    after: str

    @classmethod
    def of(cls, event: Mapping[str, Any], currency: str) -> "Change":
        before, after = event["before"], event["after"]
        match event["type"]:
            case "SpendingLimitSet":
                return cls(event, "Spending limit", limit_in_words(before, currency), limit_in_words(after, currency))
            case "MaintenanceSwitched":
                return cls(event, "Maintenance mode", _ON_OR_OFF[before], _ON_OR_OFF[after])
            case "SpendingCleared":
                return cls(event, "Spending cleared", f"period {before}", f"period {after}")
        return cls(event, event["type"], before, after)


_ON_OR_OFF: Final = {"true": "on", "false": "off"}


def limit_in_words(minor: int | str, currency: str) -> str:
    return words.money({"amount": int(minor), "currency": currency}) if int(minor) else "none"


class FraudControlPages:
    """GET /manager, and for each change a page of its own: GET explains it and asks, POST to it does it."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def overview(self, request: Request, viewer: Viewer) -> Response:
        data = await self._site.query(viewer, "manager/overview", {"after": request.query_params.get("after")})
        changes = [Change.of(event, data["defaultCurrency"]) for event in data["fraudEvents"]["nodes"]]
        return self._show(request, viewer, "manager/overview", data, Refusals(), changes=changes)

    async def spending_limit(self, request: Request, viewer: Viewer) -> Response:
        """Asks for the amount, and with ?amount=… whether it shall be so."""
        data = await self._settings(viewer)
        if "amount" not in request.query_params:
            return self._ask_amount(request, viewer, data, Refusals())
        entered = {"amount": request.query_params["amount"]}
        try:
            minor = minor_units(entered["amount"], data["defaultCurrency"])
        except Unreadable as problem:
            return self._ask_amount(request, viewer, data, problem.beside(("limit",), entered))
        limit = limit_in_words(minor, data["defaultCurrency"])
        return self._show(
            request, viewer, "manager/spending_limit", data, Refusals(), new_limit=limit, amount=entered["amount"]
        )

    async def set_spending_limit(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        data = await self._settings(viewer)
        try:
            limit = minor_units(form.get("amount", ""), data["defaultCurrency"])
        except Unreadable as problem:
            return self._ask_amount(request, viewer, data, problem.beside(("limit",), form))
        _, refusals = await self._site.act(viewer, "manager/set_spending_limit", {"limit": limit}, key=form.get("key"))
        if refusals.errors:
            return self._ask_amount(request, viewer, data, replace(refusals, entered=form))
        return see_other(HOME)

    def _ask_amount(self, request: Request, viewer: Viewer, data: dict[str, Any], refusals: Refusals) -> Response:
        now = data["fraudSettings"]["spendingLimit"]
        amount = refusals.entered.get("amount", units(now, data["defaultCurrency"]) if now else "")
        return self._show(request, viewer, "manager/spending_limit", data, refusals, new_limit=None, amount=amount)

    async def maintenance(self, request: Request, viewer: Viewer) -> Response:
        """Asks whether to turn it ?to=on or off."""
        data = await self._settings(viewer)
        on = request.query_params.get("to", "on") == "on"
        return self._show(request, viewer, "manager/maintenance", data, Refusals(), on=on)

    async def set_maintenance(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        on = form.get("to") == "on"
        _, refusals = await self._site.act(viewer, "manager/set_maintenance", {"enabled": on}, key=form.get("key"))
        if refusals.errors:
            return self._show(request, viewer, "manager/maintenance", await self._settings(viewer), refusals, on=on)
        return see_other(HOME)

    async def reset(self, request: Request, viewer: Viewer) -> Response:
        return self._show(request, viewer, "manager/reset", await self._settings(viewer), Refusals())

    async def carry_out_reset(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        _, refusals = await self._site.act(viewer, "manager/reset_settings", {}, key=form.get("key"))
        if refusals.errors:
            return self._show(request, viewer, "manager/reset", await self._settings(viewer), refusals)
        return see_other(HOME)

    async def clearing(self, request: Request, viewer: Viewer) -> Response:
        return self._show(request, viewer, "manager/clearing", await self._settings(viewer), Refusals())

    async def clear_spending(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        reason = form.get("reason", "").strip()
        _, refusals = await self._site.act(viewer, "manager/clear_spending", {"reason": reason}, key=form.get("key"))
        if refusals.errors:
            data = await self._settings(viewer)
            return self._show(request, viewer, "manager/clearing", data, replace(refusals, entered=form))
        return see_other(HOME)

    async def _settings(self, viewer: Viewer) -> dict[str, Any]:
        return await self._site.query(viewer, "manager/settings")

    def _show(
        self,
        request: Request,
        viewer: Viewer,
        template: str,
        data: dict[str, Any],
        refusals: Refusals,
        **values: Any,
    ) -> Response:
        limit = limit_in_words(data["fraudSettings"]["spendingLimit"], data["defaultCurrency"])
        return self._site.render(
            request, viewer, template, status=422 if refusals.errors else 200, refusals=refusals, data=data,
            limit=limit, **values,
        )  # fmt: skip
