"""One's own account: another password, and where one is signed in."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.web.pages.site import Refusals, Site, form_of, see_other

ADDRESS: Final = "/account"


class AccountPages:
    """GET /account and its forms. Nothing that was typed into a password's field is shown again."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def show(self, request: Request, viewer: Viewer) -> Response:
        return await self._show(request, viewer, Refusals())

    async def change_password(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        passwords = {"presentPassword": form.get("presentPassword", ""), "newPassword": form.get("newPassword", "")}
        if passwords["newPassword"] != form.get("again", ""):
            problem = {"message": "These are two different passwords: enter the new one twice.", "path": ["again"]}
            return await self._show(request, viewer, Refusals((problem,)))
        _, refusals = await self._site.act(viewer, "account/change_password", passwords)
        return await self._show(request, viewer, refusals) if refusals.errors else see_other(f"{ADDRESS}?done=password")

    async def end_session(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        variables = {"sessionId": request.path_params["id"]}
        _, refusals = await self._site.act(viewer, "account/end_session", variables, key=form.get("key"))
        return await self._show(request, viewer, refusals) if refusals.errors else see_other(f"{ADDRESS}?done=session")

    async def end_others(self, request: Request, viewer: Viewer) -> Response:
        form = await form_of(request)
        _, refusals = await self._site.act(viewer, "account/end_other_sessions", {}, key=form.get("key"))
        return await self._show(request, viewer, refusals) if refusals.errors else see_other(f"{ADDRESS}?done=session")

    async def _show(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        data = await self._site.query(viewer, "account/index")
        return self._site.render(
            request, viewer, "account/index", status=422 if refusals.errors else 200,
            path=ADDRESS if refusals.errors else None, refusals=refusals, data=data,
            done=request.query_params.get("done"),
        )  # fmt: skip
