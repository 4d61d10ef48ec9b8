"""The viewer's own account: its password and its sessions."""

from typing import Final

from babel import Locale
from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.platform.locale.language import Language
from oms.platform.locale.time_zone import time_zones
from oms.web.pages.declarations import Pages, form, page
from oms.web.pages.rendering.site import Refusals, Site, read_form, see_other

ADDRESS: Final = "/account"

LANGUAGES: Final = {language.name: Locale(str(language)).display_name for language in Language}
"""Each as its own speakers call it, by the name of the API."""


class AccountPages(Pages):
    """/account and its forms. Entered passwords are never shown again."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(ADDRESS, needs=None)
    async def show(self, request: Request, viewer: Viewer) -> Response:
        return await self._show(request, viewer, Refusals())

    @form(f"{ADDRESS}/password", needs=None)
    async def change_password(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        passwords = {"presentPassword": values.get("presentPassword", ""), "newPassword": values.get("newPassword", "")}
        if passwords["newPassword"] != values.get("again", ""):
            problem = {"message": "The two new passwords differ: enter the same one twice.", "path": ["again"]}
            return await self._show(request, viewer, Refusals((problem,)))
        _, refusals = await self._site.mutate(viewer, "account/change_password", passwords)
        return await self._show(request, viewer, refusals) if refusals.errors else see_other(f"{ADDRESS}?done=password")

    @form(f"{ADDRESS}/preferences", needs=None)
    async def set_preferences(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        chosen = {name: values.get(name) or None for name in ("language", "timeZone")}
        _, refusals = await self._site.mutate(viewer, "account/set_preferences", chosen, key=values.get("key"))
        if refusals.errors:
            return await self._show(request, viewer, refusals)
        self._site.read_session_again(request)
        return see_other(f"{ADDRESS}?done=preferences")

    @form(f"{ADDRESS}/sessions/others/end", needs=None)
    async def end_others(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        _, refusals = await self._site.mutate(viewer, "account/end_other_sessions", {}, key=values.get("key"))
        return await self._show(request, viewer, refusals) if refusals.errors else see_other(f"{ADDRESS}?done=session")

    @form(f"{ADDRESS}/sessions/{{id}}/end", needs=None)
    async def end_session(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        variables = {"sessionId": request.path_params["id"]}
        _, refusals = await self._site.mutate(viewer, "account/end_session", variables, key=values.get("key"))
        return await self._show(request, viewer, refusals) if refusals.errors else see_other(f"{ADDRESS}?done=session")

    async def _show(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        data = await self._site.query(viewer, "account/index")
        return self._site.render(
            request, viewer, "account/index", status=422 if refusals.errors else 200,
            path=ADDRESS if refusals.errors else None, refusals=refusals, data=data,
            done=request.query_params.get("done"), languages=LANGUAGES, time_zones=time_zones(),
        )  # fmt: skip
