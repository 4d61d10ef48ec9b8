"""/.well-known/security.txt, for those who find a flaw."""

from datetime import date

import httpx
import pytest

from oms.platform.settings import Settings, SettingsInvalid, load_settings
from oms.web.server.security_txt import ADDRESS
from tests.web.conftest import Server, serving


async def test_it_names_the_contact_and_until_when_it_is_valid(web_settings: Settings) -> None:
    contact = {"security_contact": "mailto:security@example.com", "security_contact_until": date(2027, 6, 30)}
    with serving(web_settings.model_copy(update=contact)) as server:
        async with httpx.AsyncClient(base_url=server.url) as client:
            answer = await client.get(ADDRESS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text.splitlines()[:2] == ["Contact: mailto:security@example.com", "Expires: 2027-06-30T23:59:59Z"]


async def test_without_a_contact_there_is_no_such_page(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        assert (await client.get(ADDRESS)).status_code == 404


def test_a_contact_needs_a_day_and_a_scheme() -> None:
    with pytest.raises(SettingsInvalid, match="OMS_SECURITY_CONTACT_UNTIL is None: must be set with"):
        load_settings(security_contact="mailto:security@example.com")
    with pytest.raises(SettingsInvalid, match="OMS_SECURITY_CONTACT"):
        load_settings(security_contact="security@example.com", security_contact_until="2027-06-30")
