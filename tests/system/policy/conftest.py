"""One shop for all tests that only read."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.access.secret import digest_of
from oms.domain.identity import account_commands
from oms.domain.identity import session_commands as sessions
from oms.domain.placing.limits import PlacingLimits
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.money import Amounts
from oms.platform.locale.language import Language
from tests.schema.api import Api
from tests.shop import SESSION_RULES, ShopUnderTest, open_shop
from tests.system.policy.scene import VIEWERS, Scene, set_scene
from tests.web.conftest import session_of


class Limited(Api):
    """Customers may hold so much unpaid that nobody here reaches it."""

    def context(self, *given: Any) -> Any:
        context = super().context(*given)
        context.placing_limits = PlacingLimits(unpaid_minor=Amounts((("USD", 1_000_000_000),)))
        return context


@dataclass(frozen=True, slots=True)
class Staged:
    """The API over the scene, and its viewers: people are signed in, the service has a token."""

    api: Api
    scene: Scene
    viewers: Mapping[Role, Viewer]


@pytest.fixture(scope="module")
async def staged(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Staged]:
    async with open_shop(database_url, tmp_path_factory.mktemp("policy")) as shop:
        yield Staged(
            Limited(shop), await set_scene(shop), {role: await signed_in(shop, VIEWERS[role]) for role in VIEWERS}
        )


@pytest.fixture
async def api(database_url: str, tmp_path: Path) -> AsyncIterator[Api]:
    """Over a shop of its own, for tests that write."""
    async with open_shop(database_url, tmp_path) as shop:
        yield Api(shop)


async def signed_in(shop: ShopUnderTest, viewer: Viewer) -> Viewer:
    """With preferences, as people have them."""
    if viewer.role == Role.SERVICE:
        return viewer
    session = digest_of(await session_of(shop.db, viewer))
    held = await sessions.find(shop.db, session, SESSION_RULES)
    assert held
    async with shop.db.transaction() as tx:
        await account_commands.set_preferences(tx, held.viewer, Language.ENGLISH, "Europe/Lisbon")
    held = await sessions.find(shop.db, session, SESSION_RULES)
    assert held
    return held.viewer
