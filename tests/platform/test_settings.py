"""Settings: a bad value is refused with one line, and every setting is documented."""

import os
from pathlib import Path

import pytest

from oms.domain.concepts import REGISTRY
from oms.jobs.worker import served_queues
from oms.platform.settings import CannotStart, Settings, SettingsInvalid, load_settings, unknown_variables

PROJECT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("OMS_")]:
        monkeypatch.delenv(name)


def test_every_bad_value_is_refused_with_one_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_PORT", "eighty")
    monkeypatch.setenv("OMS_SANDBOX_FAILURE_RATE", "3")
    monkeypatch.setenv("OMS_WORK_BATCH", "none")
    with pytest.raises(SettingsInvalid) as refusal:
        load_settings()
    lines = str(refusal.value).splitlines()
    assert [line.split()[0] for line in lines] == ["OMS_PORT", "OMS_WORK_BATCH", "OMS_SANDBOX_FAILURE_RATE"]
    assert "'eighty'" in lines[0]


def test_a_url_with_a_password_is_never_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_DATABASE_URL", "mysql://oms:secret@localhost/oms")
    with pytest.raises(SettingsInvalid, match=r"^OMS_DATABASE_URL: must begin with postgresql://\.$"):
        load_settings()


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg"])
def test_every_spelling_of_a_database_url_names_the_driver(scheme: str) -> None:
    settings = load_settings(database_url=f"{scheme}://oms@localhost/oms")
    assert settings.database_url == "postgresql+asyncpg://oms@localhost/oms"


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_PROVIDERS_URL", "")
    monkeypatch.setenv("OMS_PORT", "")
    settings = load_settings()
    assert (settings.providers_url, settings.port) == (None, 8000)


def test_queues_are_a_comma_separated_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_QUEUES", "billing, deadlines")
    assert load_settings().queues == ("billing", "deadlines")


def test_queues_that_no_concept_declares_are_refused() -> None:
    with pytest.raises(CannotStart, match="OMS_QUEUES names no queue: nonsense"):
        served_queues(("billing", "nonsense"))
    assert served_queues(()) == tuple(REGISTRY.work_kinds)


def test_a_relative_data_folder_lies_in_the_project() -> None:
    assert load_settings(data_dir="elsewhere").data_dir == PROJECT / "elsewhere"


def test_a_misspelt_variable_is_noticed() -> None:
    assert unknown_variables({"OMS_PROT": "1", "OMS_PORT": "1", "OMS_TEST_DATABASE_URL": "x"}) == ["OMS_PROT"]


def test_a_provider_time_out_that_a_lease_does_not_cover_twice_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A claim's two calls in a row, invoice and charge, must end before another worker takes over."""
    monkeypatch.setenv("OMS_WORK_LEASE_S", "20")
    with pytest.raises(
        SettingsInvalid, match=r"^OMS_PROVIDER_TIMEOUT_S is 10.*: must be at most 8 with OMS_WORK_LEASE_S"
    ):
        load_settings()
    monkeypatch.setenv("OMS_PROVIDER_TIMEOUT_S", "8")
    assert load_settings().provider_timeout_s == 8


def test_a_lease_that_is_no_number_is_complained_about_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMS_WORK_LEASE_S", "long")
    with pytest.raises(SettingsInvalid, match=r"^OMS_WORK_LEASE_S is 'long'[^\n]*$"):
        load_settings()


def test_every_setting_says_what_it_is() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
