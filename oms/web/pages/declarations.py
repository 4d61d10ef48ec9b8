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

from starlette.responses import Response

from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.permission import Permission, Reach

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
    """A route. `needs`: the permission; None: any signed-in viewer. `is_public`: for everybody, signed in or not."""

    method: str
    path: str
    needs: Permission | None = None
    is_public: bool = False
    entry: Entry | None = None


class Pages:
    """Handlers of related pages. `within`: only viewers with this reach of the needed permission get there."""

    within: ClassVar[frozenset[Reach]] = frozenset(Reach)


def page(path: str, *, needs: Permission | None, entry: Entry | None = None) -> Callable[[H], H]:
    return _declared(Declaration("GET", path, needs, entry=entry))


def form(path: str, *, needs: Permission | None) -> Callable[[H], H]:
    return _declared(Declaration("POST", path, needs))


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
