"""What is done with chosen orders: a page that asks, one command for each of them, and what came of each."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.cancellation.policy import CancellationPermission
from oms.domain.parked.policy import ParkedPermission
from oms.domain.vocabulary.permission import Reach
from oms.domain.work.policy import WorkPermission
from oms.platform.locale.language import gettext as _
from oms.web.pages.declarations import Pages, form, page
from oms.web.pages.rendering.site import PageRefused, Site, read_form
from oms.web.pages.support.next_step import STEP_PHRASES
from oms.web.pages.support.order_views import LIST, MAX_CHOSEN
from oms.web.server.rate_limits import RateLimited

CHOSEN: Final = f"{LIST}/chosen"


class Result(NamedTuple):
    """What came of one order. `why`: the messages of a refusal."""

    order: Mapping[str, Any]
    is_done: bool
    why: str = ""


class ChosenOrderPages(Pages):
    """/support/chosen and below."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(CHOSEN, needs=WorkPermission.READ_OPERATIONS)
    async def ask(self, request: Request, viewer: Viewer) -> Response:
        """?order= each of the orders, or ?stuck=all; ?do= retry or cancel: what would happen with each."""
        act, chosen = request.query_params.get("do", ""), request.query_params.getlist("order")
        if "stuck" in request.query_params:
            orders = await self._found(viewer, {"needsAttention": True})
        else:
            orders = await self._orders(viewer, chosen)
        possible = [order for order in orders if _is_possible(order, act)]
        return self._site.render(
            request, viewer, "support/chosen", act=act, orders=orders, possible=possible, steps=STEP_PHRASES,
            jobs=sum(len(_stuck(order)) for order in possible),
        )  # fmt: skip

    @form(f"{CHOSEN}/cancellation", needs=CancellationPermission.CANCEL_ORDER)
    async def cancel(self, request: Request, viewer: Viewer) -> Response:
        """Each order by a command of its own, so that one refusal stops no other."""
        values = await read_form(request)
        reason = values.get("reason", "").strip() or None

        async def cancelled(order: Mapping[str, Any]) -> list[str]:
            return await self._run(
                viewer, "support/cancel", {"orderId": order["id"], "reason": reason}, values, order["id"]
            )

        return await self._carry_out(request, viewer, values, "cancel", cancelled)

    @form(f"{CHOSEN}/retry", needs=ParkedPermission.MEND_WORK)
    async def retry(self, request: Request, viewer: Viewer) -> Response:
        """Each stuck job of each order by a command of its own."""
        values = await read_form(request)

        async def retried(order: Mapping[str, Any]) -> list[str]:
            jobs = [job for job in values.get("jobs", "").split() if _order_of(job) == _order_of(order["id"])]
            why = [await self._run(viewer, "support/retry", {"workId": job}, values, job) for job in jobs]
            return [message for each in why for message in each] if jobs else [_("It has no stuck job.")]

        return await self._carry_out(request, viewer, values, "retry", retried)

    async def _carry_out(
        self, request: Request, viewer: Viewer, values: Mapping[str, str], act: str, command: Any
    ) -> Response:
        """The results, in the order of the list. A form that is sent again does nothing more and shows the same."""
        orders = await self._orders(viewer, values.get("orders", "").split())
        results = []
        for order in orders:
            why = await command(order)
            results.append(Result(order, not why, " ".join(why)))
        return self._site.render(
            request, viewer, "support/chosen_results", path=LIST, act=act, results=results,
            done=sum(result.is_done for result in results),
        )  # fmt: skip

    async def _run(
        self, viewer: Viewer, name: str, variables: Mapping[str, Any], values: Mapping[str, str], subject: str
    ) -> list[str]:
        """Why nothing was done, in messages. Its key is the form's and the subject's, so it takes effect once."""
        try:
            _payload, refusals = await self._site.mutate(viewer, name, variables, key=f"{values.get('key')} {subject}")
        except RateLimited as refusal:
            return [refusal.message]
        except PageRefused as refusal:
            return [refusal.message]
        return refusals.all

    async def _orders(self, viewer: Viewer, ids: Iterable[str]) -> list[dict[str, Any]]:
        """The chosen orders, newest first. Raises PageRefused if there is none, or too many."""
        chosen = list(dict.fromkeys(ids))
        if not chosen:
            raise PageRefused(422, _("Choose at least one order by its box, then what to do with it."))
        if len(chosen) > MAX_CHOSEN:
            raise PageRefused(422, _("Choose at most %(number)s orders.") % {"number": MAX_CHOSEN})
        orders = await self._found(viewer, {"ids": chosen})
        if not orders:
            raise PageRefused(404, _("There is no such order."))
        return orders

    async def _found(self, viewer: Viewer, only: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = await self._site.query(viewer, "support/chosen", {"filter": only, "first": MAX_CHOSEN})
        orders: list[dict[str, Any]] = found["orders"]["nodes"]
        return orders


def _is_possible(order: Mapping[str, Any], act: str) -> bool:
    """As the API says."""
    return bool(order["viewerCanCancel"]) if act == "cancel" else bool(_stuck(order))


def _stuck(order: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [work for work in order["work"] or () if work["viewerCanRetry"]]


def _order_of(text: str) -> str:
    """The key within the id of an order or of its work."""
    return text.split("_")[1] if "_" in text else text
