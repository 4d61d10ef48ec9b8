"""Notes by staff: kept, paged, written once, and unknown to everybody else."""

import pytest

from oms.domain.access.permissions import Viewer
from oms.domain.audit.queries import AuditFilter, audit_log
from oms.domain.idempotency.keys import IdempotencyKey
from oms.domain.notes.model import NOTE_LENGTH
from oms.domain.notes.policy import NoteAction
from oms.domain.personal_data import commands as personal_data
from oms.domain.vocabulary.actor import Role
from tests.schema.api import ANA, Api, Known, codes
from tests.shop import CART, COURIER, MANAGER, SUPPORT

MARA = Viewer("Mara", Role.SUPPORT)
ADD = """mutation ($id: ID!, $text: String!) { addNote(orderId: $id, text: $text) {
    note { id text author authorRole } userErrors { code reason path message } } }"""
NOTES = """query ($id: ID!, $first: Int, $after: String) { order(id: $id) {
    viewerCanAddNote
    notes(first: $first, after: $after) { nodes { text author at } pageInfo { hasNextPage endCursor } } } }"""


async def placed(api: Api) -> Known:
    await api.shop.stock_up({"tea": {"north": 9}})
    return Known(await api.shop.place({"tea": 1}, customer="ana"))


async def texts(api: Api, known: Known) -> list[str]:
    return [note["text"] for note in (await api.ask(NOTES, id=known.id))["notes"]["nodes"]]


async def test_a_note_is_kept_with_its_author(api: Api) -> None:
    known = await placed(api)
    added = await api.ask(ADD, MARA, id=known.id, text="  Called, no answer.\nTries again at 15:30. ")
    assert added["userErrors"] == []
    assert added["note"] == {
        "id": f"nte_{known.key.hex}_1", "text": "Called, no answer.\nTries again at 15:30.", "author": "Mara",
        "authorRole": "SUPPORT",
    }  # fmt: skip
    shown = await api.ask(NOTES, MANAGER, id=known.id)
    assert shown["viewerCanAddNote"]
    assert [(note["text"], note["author"]) for note in shown["notes"]["nodes"]] == [(added["note"]["text"], "Mara")]


async def test_notes_are_paged_newest_first(api: Api) -> None:
    known = await placed(api)
    for number in range(1, 6):
        await api.ask(ADD, id=known.id, text=f"Note {number}")
    page = (await api.ask(NOTES, id=known.id, first=3))["notes"]
    assert [note["text"] for note in page["nodes"]] == ["Note 5", "Note 4", "Note 3"]
    assert page["pageInfo"]["hasNextPage"]
    rest = (await api.ask(NOTES, id=known.id, first=3, after=page["pageInfo"]["endCursor"]))["notes"]
    assert ([note["text"] for note in rest["nodes"]], rest["pageInfo"]["hasNextPage"]) == (["Note 2", "Note 1"], False)
    refusal = await api.refusal(NOTES, id=known.id, after="b3Jk")
    assert refusal.extensions
    assert refusal.extensions["reason"] == "BAD_CURSOR"


async def test_a_repeated_request_adds_no_second_note(api: Api) -> None:
    known = await placed(api)
    key = IdempotencyKey.of("note-1", b"body")
    first, again = [
        (await api.answer(ADD, SUPPORT, key, id=known.id, text="Called")).data for _ in range(2)
    ]  # fmt: skip
    assert first == again
    assert await texts(api, known) == ["Called"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [(" \n ", "EMPTY"), ("x" * (NOTE_LENGTH + 1), "TOO_LONG"), ("half a pair: \ud800", "UNSUPPORTED_CHARACTER")],
)
async def test_a_text_that_cannot_be_kept_is_refused(api: Api, text: str, reason: str) -> None:
    known = await placed(api)
    refused = await api.ask(ADD, id=known.id, text=text)
    assert [(error["reason"], error["path"]) for error in refused["userErrors"]] == [(reason, ["text"])]
    assert await texts(api, known) == []


async def test_an_order_that_does_not_exist_has_no_notes(api: Api) -> None:
    for unknown in (f"ord_{'0' * 32}", "nonsense"):
        assert codes(await api.ask(ADD, id=unknown, text="Called")) == ["NOT_FOUND"]


@pytest.mark.parametrize("viewer", [ANA, COURIER, CART], ids=lambda viewer: str(viewer.role))
async def test_nobody_but_staff_reads_or_adds_notes(api: Api, viewer: Viewer) -> None:
    known = await placed(api)
    await api.shop.run()
    await api.ask(ADD, id=known.id, text="Suspicious")
    assert await api.ask(NOTES, viewer, id=known.id) == {"viewerCanAddNote": None, "notes": None}
    assert codes(await api.ask(ADD, viewer, id=known.id, text="Mine")) == ["FORBIDDEN"]
    assert await texts(api, known) == ["Suspicious"]


async def test_the_audit_log_names_the_note_and_not_what_it_says(api: Api) -> None:
    known = await placed(api)
    await api.ask(ADD, MARA, id=known.id, text="Her dog bites")
    page = await audit_log(api.shop.db, MANAGER, AuditFilter(action=NoteAction.NoteAdded), first=10, after=None)
    [entry] = page.entries
    assert (entry.by.name, entry.subject, entry.order_id) == ("Mara", f"nte_{known.key.hex}_1", known.key)
    assert "dog" not in repr(entry)


async def test_notes_are_exported_and_erased_with_the_customer(api: Api) -> None:
    known = await placed(api)
    await api.shop.cancel(known.key)
    await api.ask(ADD, MARA, id=known.id, text="Her dog bites")
    async with api.shop.db.transaction() as tx:
        exported = await personal_data.export(tx, MANAGER, "ana")
        await personal_data.erase(tx, MANAGER, "ana", "Asked for it")
    assert [row["text"] for row in exported["order_notes"]] == ["Her dog bites"]
    assert await api.shop.rows("SELECT author, text FROM order_notes") == [("Mara", None)]
    assert await texts(api, known) == [None]
