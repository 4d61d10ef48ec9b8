"""What a page of a list says about its place in the whole."""

from typing import Any

import pytest
from starlette.datastructures import QueryParams

from oms.web.pages.rendering.place import Place


def listed(number: int, *, has_more: bool) -> dict[str, Any]:
    return {"nodes": [{}] * number, "pageInfo": {"hasNextPage": has_more, "endCursor": "c 2"}}


def test_the_address_of_the_next_page_has_its_place_and_the_filters_that_are_on() -> None:
    place = Place.of("/list", QueryParams("after=c1&at=20&role="), listed(20, has_more=True), role="", kind="a b")
    assert place == Place(20, 20, "/list?kind=a+b&after=c+2&at=40", "/list?kind=a+b")


def test_the_first_page_leads_to_no_earlier_one_and_the_last_to_no_later_one() -> None:
    assert Place.of("/list", QueryParams(""), listed(3, has_more=False)) == Place(0, 3, None, None)


@pytest.mark.parametrize("at", ["", "x", "-1", "1e3", "²"])
def test_a_page_without_a_valid_place_claims_none(at: str) -> None:
    place = Place.of("/list", QueryParams({"after": "c1", "at": at}), listed(3, has_more=False))
    assert not place.knows_before
    assert Place.of("/list", QueryParams({"at": "7"}), listed(3, has_more=False)).knows_before
