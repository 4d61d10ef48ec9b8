"""The manager's overview of fraud control, its log of changes, and a confirmation page for each change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.fraud.policy import FraudPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.web.pages.declarations import Entry, Group, Pages, form, page
from oms.web.pages.rendering import formatting
from oms.web.pages.rendering.form_parsing import InvalidInput, minor_units, units
from oms.web.pages.rendering.site import Refusals, Site, read_form, see_other

HOME: Final = "/manager"


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of the log, formatted."""

    event: Mapping[str, Any]
    what: str
    before: str
    after: str

    @classmethod
    def of(cls, event: Mapping[str, Any], currency: str) -> "Change":
        before, after = event["before"], event["after"]
        match event["type"]:
            case "SpendingLimitSet":
                return cls(event, "Spending limit", format_limit(before, currency), format_limit(after, currency))
            case "MaintenanceSwitched":
                return cls(event, "Maintenance mode", _SWITCH_PHRASES[before], _SWITCH_PHRASES[after])
            case "SpendingCleared":
                return cls(event, "Spending cleared", f"period {before}", f"period {after}")
        return cls(event, event["type"], before, after)


_SWITCH_PHRASES: Final = {"true": "on", "false": "off"}


def format_limit(minor: int | str, currency: str) -> str:
    return formatting.money({"amount": int(minor), "currency": currency}) if int(minor) else "none"


class FraudControlPages(Pages):
    """/manager, and a page for each change: GET explains and asks, POST makes the change."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(
        HOME,
        needs=FraudPermission.READ_FRAUD,
        entry=Entry("Limits", Role.MANAGER, group=Group.BUSINESS, icon="shield", key="l"),
    )
    async def overview(self, request: Request, viewer: Viewer) -> Response:
        data = await self._site.query(viewer, "manager/fraud/index", {"after": request.query_params.get("after")})
        changes = [Change.of(event, data["defaultCurrency"]) for event in data["fraudEvents"]["nodes"]]
        unpaid = format_limit(data["placingLimits"]["unpaidValue"], data["defaultCurrency"])
        return self._show(request, viewer, "index", data, Refusals(), changes=changes, unpaid_value=unpaid)

    @page(f"{HOME}/spending-limit", needs=FraudPermission.READ_FRAUD)
    async def spending_limit(self, request: Request, viewer: Viewer) -> Response:
        """Asks for the amount, and with ?amount=… for confirmation."""
        data = await self._settings(viewer)
        if "amount" not in request.query_params:
            return self._ask_amount(request, viewer, data, Refusals())
        entered = {"amount": request.query_params["amount"]}
        try:
            minor = minor_units(entered["amount"], data["defaultCurrency"])
        except InvalidInput as problem:
            return self._ask_amount(request, viewer, data, problem.at(("limit",), entered))
        limit = format_limit(minor, data["defaultCurrency"])
        return self._show(
            request, viewer, "spending_limit", data, Refusals(), new_limit=limit, amount=entered["amount"]
        )

    @form(f"{HOME}/spending-limit", needs=FraudPermission.SET_FRAUD)
    async def set_spending_limit(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        data = await self._settings(viewer)
        try:
            limit = minor_units(values.get("amount", ""), data["defaultCurrency"])
        except InvalidInput as problem:
            return self._ask_amount(request, viewer, data, problem.at(("limit",), values))
        refusals = await self._change(viewer, "set_spending_limit", values, limit=limit)
        if refusals.errors:
            return self._ask_amount(request, viewer, data, refusals)
        return see_other(HOME)

    def _ask_amount(self, request: Request, viewer: Viewer, data: dict[str, Any], refusals: Refusals) -> Response:
        now = data["fraudSettings"]["spendingLimit"]
        amount = refusals.entered.get("amount", units(now, data["defaultCurrency"]) if now else "")
        return self._show(request, viewer, "spending_limit", data, refusals, new_limit=None, amount=amount)

    @page(f"{HOME}/maintenance", needs=FraudPermission.READ_FRAUD)
    async def maintenance(self, request: Request, viewer: Viewer) -> Response:
        """Asks for confirmation to turn it ?to=on or off."""
        data = await self._settings(viewer)
        on = request.query_params.get("to", "on") == "on"
        return self._show(request, viewer, "maintenance", data, Refusals(), on=on)

    @form(f"{HOME}/maintenance", needs=FraudPermission.SET_FRAUD)
    async def set_maintenance(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        on = values.get("to") == "on"
        refusals = await self._change(viewer, "set_maintenance", values, enabled=on)
        if refusals.errors:
            return self._show(request, viewer, "maintenance", await self._settings(viewer), refusals, on=on)
        return see_other(HOME)

    @page(f"{HOME}/reset", needs=FraudPermission.READ_FRAUD)
    async def reset(self, request: Request, viewer: Viewer) -> Response:
        return self._show(request, viewer, "reset", await self._settings(viewer), Refusals())

    @form(f"{HOME}/reset", needs=FraudPermission.SET_FRAUD)
    async def reset_settings(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        refusals = await self._change(viewer, "reset_settings", values)
        if refusals.errors:
            return self._show(request, viewer, "reset", await self._settings(viewer), refusals)
        return see_other(HOME)

    @page(f"{HOME}/clearing", needs=FraudPermission.READ_FRAUD)
    async def clearing(self, request: Request, viewer: Viewer) -> Response:
        return self._show(request, viewer, "clearing", await self._settings(viewer), Refusals())

    @form(f"{HOME}/clearing", needs=FraudPermission.SET_FRAUD)
    async def clear_spending(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        reason = values.get("reason", "").strip()
        refusals = await self._change(viewer, "clear_spending", values, reason=reason)
        if refusals.errors:
            data = await self._settings(viewer)
            return self._show(request, viewer, "clearing", data, refusals)
        return see_other(HOME)

    async def _settings(self, viewer: Viewer) -> dict[str, Any]:
        return await self._site.query(viewer, "manager/fraud/settings")

    async def _change(self, viewer: Viewer, name: str, values: Mapping[str, str], **variables: Any) -> Refusals:
        """Executes templates/manager/fraud/NAME.graphql; the refusals keep the entered values."""
        _, refusals = await self._site.mutate(viewer, f"manager/fraud/{name}", variables, key=values.get("key"))
        return replace(refusals, entered=values)

    def _show(
        self,
        request: Request,
        viewer: Viewer,
        template: str,
        data: dict[str, Any],
        refusals: Refusals,
        **more: Any,
    ) -> Response:
        limit = format_limit(data["fraudSettings"]["spendingLimit"], data["defaultCurrency"])
        return self._site.render(
            request, viewer, f"manager/fraud/{template}", status=422 if refusals.errors else 200,
            refusals=refusals, data=data, limit=limit, **more,
        )  # fmt: skip
