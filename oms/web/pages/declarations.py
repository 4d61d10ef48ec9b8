"""Pages and forms are declared at their handlers: path, permission and, for a main page, its navigation entry.

    class StockPages(Pages):
        within = frozenset({Reach.ALL})

        @page("/manager/stock", needs=InventoryPermission.READ_STOCK, entry=Entry("Inventory", Role.MANAGER))
        async def index(self, request: Request, viewer: Viewer) -> Response: ...

Routes are tried in the order of the handlers, so `/orders/new` stands above `/orders/{id}`. A form's path is a noun.
"""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Final, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from oms.domain.access.permissions import Viewer, reach, require
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.errors import AccessReason, Refused, refused
from oms.domain.vocabulary.permission import Permission, Reach
from oms.domain.vocabulary.wording import wording
from oms.web.pages.rendering.site import PageRefused

H = TypeVar("H", bound=Callable[..., Awaitable[Response]])

_ATTRIBUTE: Final = "page_declarations"


class Group(StrEnum):
    """The headings of the staff's navigation, in their order."""

    HOME = ""
    SELLING = "Selling"
    GOODS = "Goods"
    BUSINESS = "Business"


class Entry:
    """An entry of the navigation for some roles: those whose daily work it is, of all that may open the page.

    `icon`: its drawing in static/icons.svg. `key`: after `g`, it leads there.
    """

    def __init__(self, label: str, *roles: Role, group: Group = Group.HOME, icon: str = "order", key: str = "") -> None:
        self.label = label
        self.roles = frozenset(roles)
        self.group = group
        self.icon = icon
        self.key = key


@dataclass(frozen=True, slots=True)
class Declaration:
    """A route. `needs`: the permission; None: any signed-in viewer. `is_public`: for everybody, signed in or not.

    `shown_at`: the page that shows a form, if it is not the nearest one above the form's path.
    """

    method: str
    path: str
    needs: Permission | None = None
    is_public: bool = False
    entry: Entry | None = None
    shown_at: str | None = None


class Pages:
    """Handlers of related pages. `within`: only viewers with this reach of the needed permission get there."""

    within: ClassVar[frozenset[Reach]] = frozenset(Reach)

    async def keep(self, request: Request, response: Response) -> None:
        """Keeps what it can of a form that arrived after the session had ended, in cookies of the response."""


def page(path: str, *, needs: Permission | None, entry: Entry | None = None) -> Callable[[H], H]:
    return _declared(Declaration("GET", path, needs, entry=entry))


def form(path: str, *, needs: Permission | None, shown_at: str | None = None) -> Callable[[H], H]:
    return _declared(Declaration("POST", path, needs, shown_at=shown_at))


def public_page(path: str) -> Callable[[H], H]:
    return _declared(Declaration("GET", path, is_public=True))


def public_form(path: str) -> Callable[[H], H]:
    return _declared(Declaration("POST", path, is_public=True))


def _declared(declaration: Declaration) -> Callable[[H], H]:
    def declare(handler: H) -> H:
        handler.__dict__.setdefault(_ATTRIBUTE, []).append(declaration)
        return handler

    return declare


def declarations_of(pages: type[Pages]) -> Iterator[tuple[str, Declaration]]:
    """The handlers' names with their declarations, in the order written."""
    for name, member in vars(pages).items():
        declarations: list[Any] = getattr(member, _ATTRIBUTE, [])
        for declaration in declarations:
            yield name, declaration


@dataclass(frozen=True, slots=True)
class Need:
    """Viewers whose reach of the permission is one of `within`. None: all who are signed in."""

    permission: Permission | None
    within: frozenset[Reach]

    def is_met_by(self, viewer: Viewer) -> bool:
        return self.permission is None or reach(viewer, self.permission) in self.within

    def require(self, viewer: Viewer) -> None:
        """Raises PageRefused(403)."""
        if self.permission is None or self.is_met_by(viewer):
            return
        try:
            require(viewer, self.permission)
            message = wording("This page is for other roles; as {role} you have pages of your own.", role=viewer.role)
            raise refused(AccessReason.ROLE_NOT_ALLOWED, message)
        except Refused as refusal:
            raise PageRefused(403, str(refusal)) from refusal


class PageRoute(Route):
    """A page or form with a need."""

    def __init__(self, path: str, endpoint: Callable[[Request], Awaitable[Response]], method: str, need: Need) -> None:
        super().__init__(path, endpoint, methods=[method])
        self.need = need
