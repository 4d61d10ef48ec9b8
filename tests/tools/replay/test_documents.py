"""Every document that the replay can send is valid against the contract."""

import pytest
from graphql import build_schema, parse, validate

from oms.tools.replay.client import documents
from tests.tools.replay.shop_double import contract

PLAIN = [
    text
    for name, text in vars(documents).items()
    if isinstance(text, str) and text.lstrip().startswith(("query", "mutation"))
]
BATCHED = [
    documents.dispatch_shipments,
    documents.deliver_shipments,
    documents.order_statuses,
    documents.closed_orders,
    documents.stock_levels,
]


@pytest.mark.parametrize("document", [*PLAIN, *(batch(count) for batch in BATCHED for count in (1, 25))])
def test_a_document_is_valid(document: str) -> None:
    assert validate(build_schema(contract()), parse(document)) == []


def test_all_documents_are_tested() -> None:
    assert len(PLAIN) == 11


def test_the_variables_of_a_batch_are_named_by_place() -> None:
    assert documents.subjects(["a", "b"]) == {"s0": "a", "s1": "b"}
