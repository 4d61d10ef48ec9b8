"""What a postal address needs, by its country."""

import socket

import pytest

from oms.domain.placing.postal import problems
from oms.domain.vocabulary.texts.countries import COUNTRY_CODES

FULL = {"name": "Ana", "line1": "1 Road", "city": "Town"}


def told(**fields: str | None) -> dict[str, str]:
    """Messages by field."""
    return {problem.path[-1]: problem.message for problem in problems(FULL | fields)}


@pytest.mark.parametrize(
    "address",
    [
        {"country": "US", "region": "ny", "postalCode": "12345"},
        {"country": "US", "region": "New York", "postalCode": "12345-6789"},
        {"country": "DE", "postalCode": "10115"},
        {"country": "GB", "postalCode": "ec1y 8sy"},
        {"country": "PT", "postalCode": "4050-174"},
        {"country": "BR", "region": "SP", "postalCode": "01310-100"},
        {"country": "JP", "region": "Tokyo", "postalCode": "154-0023"},
        {"country": "IE"},
        {"country": "HK", "region": "Kowloon"},
        {"country": "AE", "region": "Dubai"},
    ],
)
def test_a_whole_address_is_accepted_as_people_write_it(address: dict[str, str]) -> None:
    assert told(**address) == {}


@pytest.mark.parametrize(
    ("address", "field", "message"),
    [
        ({"country": "US", "region": "NY"}, "postalCode", "Enter the ZIP code, such as 10000."),
        ({"country": "US", "postalCode": "95014"}, "region", "The state is missing: enter it as, for example, "),
        ({"country": "US", "region": "Bavaria", "postalCode": "95014"}, "region", "The state is not known: enter it"),
        ({"country": "US", "region": "NY", "postalCode": "95014"}, "postalCode", "enter one such as 10000."),
        ({"country": "DE", "postalCode": "1011"}, "postalCode", "This postal code does not belong to this address"),
        ({"country": "DE", "postalCode": "10115", "city": " "}, "city", "Enter the town or city."),
        ({"country": "DE", "postalCode": "10115", "line1": ""}, "line1", "Enter the street and number."),
        ({"country": "DE", "postalCode": "10115", "name": None}, "name", "Enter the name of who receives the parcel."),
        ({"country": ""}, "country", "Choose a country."),
        ({"country": "Germany"}, "country", "two capital letters such as PT."),
        ({"country": "DE", "postalCode": "x" * 300}, "postalCode", "at most 200 are allowed."),
        ({"country": "DE", "postalCode": "\0"}, "postalCode", "NUL"),
    ],
)
def test_what_is_missing_or_wrong_is_told_at_its_field(address: dict[str, str], field: str, message: str) -> None:
    assert message in told(**address)[field]


def test_everything_is_told_at_once() -> None:
    assert told(name="", line1="", city="", country="US", region="", postalCode="").keys() == {
        "name", "line1", "city", "region", "postalCode",
    }  # fmt: skip
    assert told(name="", line1="", city="", country="").keys() == {"name", "line1", "city", "country"}


def test_every_country_is_known_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_network(*_: object) -> None:
        raise AssertionError("it needs a network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    for country in COUNTRY_CODES:
        for region in ("", "?"):
            assert "country" not in told(country=country, region=region, postalCode="?")
