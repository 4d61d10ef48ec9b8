"""Every field of the schema, for every role: only roles with its permissions get it."""

from collections.abc import AsyncIterator
from typing import Any, Final

import pytest
from graphql import GraphQLNonNull

from oms.domain.access.permissions import Viewer
from oms.domain.order.policy import OrderPermission
from oms.domain.vocabulary.actor import Role
from oms.schema.schema import schema
from tests.system.policy.conftest import Staged
from tests.system.policy.type_graph import ROOTS, TYPES, Step, Way, document, values, ways

NOTHING_TO_SHOW: Final[dict[Step, set[Role]]] = {
    ("Order", "actionDeadline"): {Role.COURIER},  # what waits for its customer has nothing to carry
    ("OrderEvent", "reason"): {Role.COURIER},  # they see that it was booked, dispatched, delivered
    ("ShopProviders", "host"): {Role.MANAGER, Role.SUPPORT},  # a sandbox has none
    **{("Viewer", field): {Role.SERVICE} for field in ("language", "sessions", "timeZone")},
    **{("Session", field): {Role.SERVICE} for field in TYPES["Session"].fields},  # a machine is not signed in
}
"""Allowed, but there is never a value for the role."""


def is_allowed(role: Role, step: Step) -> bool:
    return all(role in need.reach for need in schema.needs[step])


def way_to(role: Role, step: Step) -> Way:
    """A path that the role may follow up to the field itself; if there is none, the shortest."""
    open_ways = ways(lambda passed: is_allowed(role, passed))
    return (*open_ways.get(step[0], ways(lambda _: True)[step[0]]), step)


FIELDS: Final = [(name, field) for name in ways(lambda _: True) for field in TYPES[name].fields]


def test_types_that_no_query_reaches_are_payloads() -> None:
    """test_commands.py tests those."""
    answers = {name for name in TYPES if name.endswith("Payload")} - {"QuotePayload"}
    assert TYPES.keys() - ways(lambda _: True).keys() == answers | set(ROOTS[1:])


@pytest.mark.parametrize("role", Role)
async def test_a_field_is_shown_to_the_roles_with_its_permissions_only(staged: Staged, role: Role) -> None:
    wrong: list[str] = []
    for step in FIELDS:
        wrong += [complaint async for complaint in _complaints(staged, role, step)]
    assert not wrong, "\n".join(wrong)


async def _complaints(staged: Staged, role: Role, step: Step) -> AsyncIterator[str]:
    way = way_to(role, step)
    shown, codes = await _look(staged, staged.viewers[role], way)
    name = f"{role} {'.'.join(field for _, field in way)} ({step[0]}.{step[1]})"
    refused = next((passed for passed in way if not is_allowed(role, passed)), None)
    if refused is None:
        if codes:
            yield f"{name}: allowed, and refused as {codes}"
        elif not shown and role not in NOTHING_TO_SHOW.get(step, ()):
            yield f"{name}: allowed, and never shown"
    elif shown:
        yield f"{name}: not allowed, and shown: {shown[:3]}"
    elif codes != ({"FORBIDDEN"} if _is_told(refused) else set()):
        yield f"{name}: not allowed, and answered with {codes}"


def _is_told(step: Step) -> bool:
    """Whether a refusal there is an error; elsewhere it is null."""
    return step[0] == "Query" or isinstance(TYPES[step[0]].fields[step[1]].type, GraphQLNonNull)


async def _look(staged: Staged, viewer: Viewer, way: Way) -> tuple[list[Any], set[str]]:
    """The values at the end of the path, and the codes of refusals, over all subjects of the scene."""
    shown: list[Any] = []
    codes: set[str] = set()
    for arguments in staged.scene.arguments().get(way[0][1], [""]):
        result = await staged.api.answer(document(way, arguments), viewer)
        shown += [value for value in values(result.data, way) if value is not None] if result.data else []
        codes |= {error.extensions["code"] for error in result.errors or () if error.extensions}
    return shown, codes


def test_a_role_that_may_list_objects_may_also_see_each() -> None:
    for listed in (OrderPermission.READ_ORDERS, OrderPermission.READ_SHIPMENTS):
        assert listed.reach.items() <= OrderPermission.READ_ORDER.reach.items()
