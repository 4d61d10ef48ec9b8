"""The manager's overview of fraud control, its log of changes, and a confirmation page for each change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.fraud.policy import FraudPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.money import check_currency
from oms.domain.vocabulary.permission import Reach
from oms.platform.locale.language import gettext
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
    def of(cls, event: Mapping[str, Any]) -> "Change":
        before, after, currency = event["before"], event["after"], event["currency"]
        match event["type"]:
            case "SpendingLimitSet":
                what = gettext("Spending limit in %(currency)s") % {"currency": currency}
                return cls(event, what, format_limit(before, currency), format_limit(after, currency))
            case "MaintenanceSwitched":
                return cls(event, gettext("Maintenance mode"), _switch(before), _switch(after))
            case "SpendingCleared":
                periods = [gettext("period %(number)s") % {"number": number} for number in (before, after)]
                return cls(event, gettext("Spending cleared"), *periods)
        return cls(event, event["type"], before, after)


def _switch(value: str) -> str:
    return gettext("on") if value == "true" else gettext("off")


@dataclass(frozen=True, slots=True)
class Limit:
    """What each customer may spend in one currency; `is_gap`: anything, although other currencies have limits."""

    currency: str
    minor: int
    is_gap: bool

    @property
    def amount(self) -> str:
        return format_limit(self.minor, self.currency)


def limits_of(data: Mapping[str, Any]) -> list[Limit]:
    """Of the page's `fraudSettings`, the default currency first."""
    limits = [(limit["currency"], limit["limit"]) for limit in data["fraudSettings"]["spendingLimits"]]
    limits.sort(key=lambda limit: limit[0] != data["defaultCurrency"])
    has_any = any(minor for _, minor in limits)
    return [Limit(currency, minor, is_gap=has_any and not minor) for currency, minor in limits]


def format_limit(minor: int | str, currency: str) -> str:
    return formatting.money({"amount": int(minor), "currency": currency}) if int(minor) else gettext("none")


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
        changes = [Change.of(event) for event in data["fraudEvents"]["nodes"]]
        values = [format_limit(each["amount"], each["currency"]) for each in data["placingLimits"]["unpaidValues"]]
        unpaid = ", ".join(values) or format_limit(0, data["defaultCurrency"])
        return self._show(request, viewer, "index", data, Refusals(), changes=changes, unpaid_value=unpaid)

    @page(f"{HOME}/spending-limit", needs=FraudPermission.READ_FRAUD)
    async def spending_limit(self, request: Request, viewer: Viewer) -> Response:
        """Asks for the amount, and with ?amount=… for confirmation. ?currency=… is the default one if left out."""
        data = await self._settings(viewer)
        entered = dict(request.query_params)
        if "amount" not in entered:
            return self._ask_amount(request, viewer, data, Refusals(entered=entered))
        try:
            currency, minor = _entered_limit(entered, data["defaultCurrency"])
        except InvalidLimit as problem:
            return self._ask_amount(request, viewer, data, problem.refusals)
        return self._show(
            request, viewer, "spending_limit", data, Refusals(entered=entered), currency=currency,
            amount=entered["amount"], now=_limit_in(currency, data), new_limit=format_limit(minor, currency),
            removes=not minor,
        )  # fmt: skip

    @form(f"{HOME}/spending-limit", needs=FraudPermission.SET_FRAUD)
    async def set_spending_limit(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        data = await self._settings(viewer)
        try:
            currency, limit = _entered_limit(values, data["defaultCurrency"])
        except InvalidLimit as problem:
            return self._ask_amount(request, viewer, data, problem.refusals)
        refusals = await self._change(viewer, "set_spending_limit", values, limit=limit, currency=currency)
        if refusals.errors:
            return self._ask_amount(request, viewer, data, refusals)
        return see_other(HOME)

    def _ask_amount(self, request: Request, viewer: Viewer, data: dict[str, Any], refusals: Refusals) -> Response:
        currency = refusals.entered.get("currency") or data["defaultCurrency"]
        now = _limit_in(currency, data)
        amount = refusals.entered.get("amount", units(now.minor, currency) if now.minor else "")
        return self._show(
            request, viewer, "spending_limit", data, refusals, currency=currency, amount=amount, now=now, new_limit=None
        )

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
        return self._site.render(
            request, viewer, f"manager/fraud/{template}", status=422 if refusals.errors else 200,
            refusals=refusals, data=data, limits=limits_of(data), **more,
        )  # fmt: skip


class InvalidLimit(Exception):
    """A field of the form for a limit can't take its value."""

    def __init__(self, refusals: Refusals) -> None:
        super().__init__()
        self.refusals = refusals


def _entered_limit(entered: Mapping[str, str], default_currency: str) -> tuple[str, int]:
    """The currency, and its limit in minor units. Raises InvalidLimit."""
    currency = entered.get("currency", default_currency).strip().upper()
    wrong = [{"message": problem.message, "path": list(problem.path)} for problem in check_currency(currency)]
    if wrong:
        raise InvalidLimit(Refusals(tuple(wrong), entered))
    try:
        return currency, minor_units(entered.get("amount", ""), currency)
    except InvalidInput as problem:
        raise InvalidLimit(problem.at(("limit",), entered)) from None


def _limit_in(currency: str, data: Mapping[str, Any]) -> Limit:
    return next((limit for limit in limits_of(data) if limit.currency == currency), Limit(currency, 0, is_gap=False))
