"""People's accounts: a list, one to add, and one person with what may be changed."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from oms.domain.access.permissions import Viewer
from oms.domain.identity.accounts import PEOPLE
from oms.domain.identity.policy import IdentityPermission
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Reach
from oms.platform.locale.language import gettext
from oms.web.pages.declarations import Pages, form, page
from oms.web.pages.rendering.place import Place
from oms.web.pages.rendering.site import PageRefused, Refusals, Site, read_form, see_other

HOME: Final = "/settings/people"
PAGE: Final = 50
ROLES: Final = [str(role) for role in Role if role in PEOPLE]


class PeoplePages(Pages):
    """/settings/people and below."""

    within = frozenset({Reach.ALL})

    def __init__(self, site: Site) -> None:
        self._site = site

    @page(HOME, needs=IdentityPermission.MANAGE_PEOPLE)
    async def index(self, request: Request, viewer: Viewer) -> Response:
        """In the order of logins; ?role= only those, ?after= continues after one."""
        role = request.query_params.get("role", "")
        role, after = role if role in ROLES else "", request.query_params.get("after")
        variables = {"first": PAGE, "after": after, "role": role or None}
        people = (await self._site.query(viewer, "manager/people/index", variables))["people"]
        return self._site.render(
            request, viewer, "manager/people/index", people=people, views=_views(role),
            place=Place.of(HOME, request.query_params, people, role=role),
        )  # fmt: skip

    @page(f"{HOME}/new", needs=IdentityPermission.MANAGE_PEOPLE)
    async def new(self, request: Request, viewer: Viewer) -> Response:
        return self._new(request, viewer, Refusals())

    @form(HOME, needs=IdentityPermission.MANAGE_PEOPLE)
    async def add(self, request: Request, viewer: Viewer) -> Response:
        values = await read_form(request)
        account = {"login": values.get("login", ""), "withPassword": values.get("signs_in") != "provider"}
        variables = account | _account(values)
        payload, refusals = await self._site.mutate(viewer, "manager/people/add", variables, key=values.get("key"))
        if refusals.errors:
            return self._new(request, viewer, replace(refusals, entered=values))
        return self._hand_over(request, viewer, payload)

    def _new(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        return self._site.render(
            request, viewer, "manager/people/new", status=422 if refusals.errors else 200,
            path=f"{HOME}/new", refusals=refusals, roles=ROLES,
        )  # fmt: skip

    def _hand_over(self, request: Request, viewer: Viewer, payload: Mapping[str, Any]) -> Response:
        """Shows a new password. There is no redirect: it is shown only once."""
        person, password = payload["person"], payload["password"]
        if password is None:
            return see_other(f"{HOME}/{person['id']}?done=saved")
        return self._site.render(
            request, viewer, "manager/people/password", path=f"{HOME}/{person['id']}", person=person, password=password
        )

    @page(f"{HOME}/{{id}}", needs=IdentityPermission.MANAGE_PEOPLE)
    async def show(self, request: Request, viewer: Viewer) -> Response:
        return await self._show(request, viewer, Refusals())

    @form(f"{HOME}/{{id}}", needs=IdentityPermission.MANAGE_PEOPLE)
    async def change(self, request: Request, viewer: Viewer) -> Response:
        return await self._change(request, viewer, "change", _account(await read_form(request)))

    @form(f"{HOME}/{{id}}/disabled", needs=IdentityPermission.MANAGE_PEOPLE)
    async def set_disabled(self, request: Request, viewer: Viewer) -> Response:
        to = (await read_form(request)).get("to") == "on"
        return await self._change(request, viewer, "set_disabled", {"disabled": to})

    @form(f"{HOME}/{{id}}/sessions/end", needs=IdentityPermission.MANAGE_PEOPLE)
    async def end_sessions(self, request: Request, viewer: Viewer) -> Response:
        return await self._change(request, viewer, "end_sessions", {})

    @form(f"{HOME}/{{id}}/password", needs=IdentityPermission.MANAGE_PEOPLE)
    async def reset_password(self, request: Request, viewer: Viewer) -> Response:
        variables, key = {"id": request.path_params["id"]}, (await read_form(request)).get("key")
        payload, refusals = await self._site.mutate(viewer, "manager/people/reset_password", variables, key=key)
        if refusals.errors:
            return await self._show(request, viewer, refusals)
        return self._hand_over(request, viewer, payload)

    async def _change(self, request: Request, viewer: Viewer, name: str, variables: Mapping[str, Any]) -> Response:
        values, person_id = await read_form(request), request.path_params["id"]
        _, refusals = await self._site.mutate(
            viewer, f"manager/people/{name}", {"id": person_id, **variables}, key=values.get("key")
        )
        if refusals.errors:
            return await self._show(request, viewer, replace(refusals, entered=values))
        return see_other(f"{HOME}/{person_id}?done=saved")

    async def _show(self, request: Request, viewer: Viewer, refusals: Refusals) -> Response:
        person_id = request.path_params["id"]
        person = (await self._site.query(viewer, "manager/people/show", {"id": person_id}))["person"]
        if person is None:
            raise PageRefused(404, gettext("There is no such account."))
        ways = ((person["hasPassword"], gettext("a password")), (person["isLinked"], gettext("the organisation")))
        offered = {**_offered(person), **refusals.entered}
        return self._site.render(
            request, viewer, "manager/people/show", status=422 if refusals.errors else 200,
            path=f"{HOME}/{person_id}", refusals=refusals, person=person, offered=offered,
            roles=ROLES, signs_in_with=[way for has, way in ways if has], done=request.query_params.get("done"),
        )  # fmt: skip


def _views(role: str) -> list[tuple[str, str, bool, None]]:
    views = [(gettext("Everybody"), HOME, not role, None)]
    return views + [(gettext(each.lower()), f"{HOME}?role={each}", each == role, None) for each in ROLES]


def _account(values: Mapping[str, str]) -> dict[str, Any]:
    """The fields of an account, as variables; what is empty is left out."""
    codes = [code.strip() for code in values.get("warehouses", "").split(",")]
    role = values.get("role", "")
    return {
        "name": values.get("name", ""),
        "role": role if role in ROLES else ROLES[0],
        "customer": values.get("customer", "").strip() or None,
        "warehouses": [code for code in codes if code] or None,
    }


def _offered(person: Mapping[str, Any]) -> dict[str, str]:
    """The values of the form before somebody changes them."""
    return {
        "name": person["name"],
        "role": person["role"],
        "customer": person["customerReference"] or "",
        "warehouses": ", ".join(person["warehouses"] or ()),
    }
