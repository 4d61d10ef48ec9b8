"""The log: one line for each event, without secrets and personal data, in every process."""

import asyncio
import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from oms.platform.db import Database
from oms.platform.grants import address_of
from oms.platform.log.logs import configure_logs
from oms.platform.log.redaction import HIDDEN, redacted_text
from oms.platform.settings import load_settings
from oms.tools.dev_services.embedded import running_instance
from tests.platform.conftest import Instance, oms

FAKE = '{"event": "All is well", "level": "info"}'
NASTY = f"canary\n{FAKE}\r\x1b[2J\u2028\u202ecanary"
TOKEN = "oms_" + "c4nary" * 7


@pytest.fixture
def written(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What the program and libraries log, in the format of the test."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stderr", out)
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    with monkeypatch.context() as patched:
        patched.setattr(structlog, "configure", _uncached(structlog.configure))
        configure_logs(load_settings(log_format=request.param), process="test")
    yield out
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers[:], root.level = before


def _uncached(configure: Callable[..., None]) -> Callable[..., None]:
    return lambda **given: configure(**given | {"cache_logger_on_first_use": False})


json_lines = pytest.mark.parametrize("written", ["json"], indirect=True)
both = pytest.mark.parametrize("written", ["json", "console"], indirect=True)


def failed(message: str) -> Exception:
    try:
        raise ValueError(message)
    except ValueError as error:
        return error


@both
def test_no_text_forges_a_line(written: io.StringIO) -> None:
    structlog.get_logger().info("happened", value=NASTY, parts={"a": [NASTY]}, count=1)
    logging.getLogger("library").warning("said %s", NASTY)
    assert len(written.getvalue().splitlines()) == 2
    assert set(written.getvalue()) & set("\r\x1b\u2028\u202e") == set()


@json_lines
def test_a_failure_is_one_line_with_its_traceback(written: io.StringIO) -> None:
    structlog.get_logger().error("failed", exc_info=failed(f"it had {NASTY}"))
    (line,) = written.getvalue().splitlines()
    assert "in failed" in json.loads(line)["exception"]


@pytest.mark.parametrize("written", ["console"], indirect=True)
def test_in_a_terminal_the_lines_of_a_traceback_are_indented(written: io.StringIO) -> None:
    structlog.get_logger().error("failed", exc_info=failed(f"it had\n{FAKE}"))
    assert [line for line in written.getvalue().splitlines()[1:] if not line.startswith("  | ")] == []
    assert "canary" not in written.getvalue()  # the values of variables are not shown either


SECRETS: dict[str, Any] = {
    "password": "canary",
    "authorization": "canary",
    "Cookie": "canary",
    "email": "canary",
    "shipping_address": {"x": "canary"},
    "name": "canary",
    "customer_reference": "canary",
    "form_token": "canary",
    "variables": ["canary"],
    "error": f"{TOKEN} Bearer c4naryc4nary redis://:canary@host/0 canary@example.com",
}


@both
@pytest.mark.parametrize("name", sorted(SECRETS))
def test_secrets_and_personal_data_are_redacted_by_name_and_by_form(written: io.StringIO, name: str) -> None:
    structlog.get_logger().warning("happened", **{name: SECRETS[name]}, within={name: SECRETS[name]})
    structlog.get_logger().error("failed", exc_info=failed(str(SECRETS["error"])))
    logging.getLogger("library").warning("said %s", SECRETS["error"])
    assert HIDDEN in written.getvalue()
    assert "canary" not in written.getvalue()
    assert "c4nary" not in written.getvalue()


@both
async def test_a_failed_statement_logs_neither_its_values_nor_rows(written: io.StringIO, database_url: str) -> None:
    db = Database(database_url, pool_size=1, notify=lambda _changes: None)
    statements = ("SELECT CAST(:text AS text) FROM nowhere", _TAKEN, "SELECT :text + 1", "SELECT (:text || '')::int")
    for statement in statements:
        with pytest.raises(DBAPIError) as failure:
            await _twice(db, statement, NASTY)
        structlog.get_logger().error("failed", exc_info=failure.value)
        structlog.get_logger().error("failed", error=repr(failure.value))
    await db.close()
    assert "nowhere" in written.getvalue()
    assert "uq_customers_reference" in written.getvalue()
    assert "canary" not in written.getvalue()


async def _twice(db: Database, statement: str, value: str) -> None:
    async with db.transaction() as tx:
        await tx.conn.execute(text(statement), {"text": value})
        await tx.conn.execute(text(statement), {"text": value})


_TAKEN = "INSERT INTO customers (id, reference, created_at) VALUES (gen_random_uuid(), :text, now())"


@json_lines
def test_an_uncaught_exception_is_one_line(written: io.StringIO) -> None:
    error = failed(f"no access with {TOKEN}\n{FAKE}")
    sys.excepthook(type(error), error, error.__traceback__)
    (line,) = written.getvalue().splitlines()
    assert json.loads(line)["level"] == "critical"
    assert TOKEN not in line


def test_other_texts_stay_unchanged() -> None:
    plain = "GET /orders/ord_0123 took 5 ms; 3 of 7 at 12:30 by user oms in postgresql://host:5432/oms"
    assert redacted_text(plain) == plain


# real processes

_PLACE = """mutation ($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } userErrors { code } } }"""
_SELL = """mutation {
  upsertWarehouses(inputs: {code: "EAST", name: "East"}) { userErrors { message } }
  upsertProducts(inputs: {sku: "COFFEE-1KG", name: "Coffee", unitPrice: 1000}) { userErrors { message } }
  setStock(inputs: {sku: "COFFEE-1KG", warehouseCode: "EAST", onHand: 9}) { userErrors { message } } }"""
_CANARIES = ("c4nary-name", "c4nary@example.com", "c4nary street", "c4nary-customer", "c4nary-order")


def order(**changed: Any) -> dict[str, Any]:
    address = {"name": "c4nary-name", "line1": "1 c4nary street\n" + FAKE, "city": "c4nary-name", "country": "US"}
    return {
        "reference": "c4nary-order", "customerReference": "c4nary-customer",
        "email": "c4nary@example.com", "shippingAddress": address, "lines": [{"sku": "COFFEE-1KG", "quantity": 1}],
    } | changed  # fmt: skip


def _token(instance: Instance, role: str) -> str:
    issued = oms(instance.environment, "token", "--role", role, "--name", role.lower())
    assert issued.stdout.startswith("oms_"), issued.stderr
    return issued.stdout.split()[0]


def test_no_log_file_has_secrets_or_personal_data(start: Callable[..., Instance]) -> None:
    """Orders that are placed, retried, repeated, refused or fail, all with texts that must not be logged."""
    instance = start(OMS_SANDBOX_FAILURE_RATE="1", OMS_LOG_LEVEL="debug", OMS_WORK_ATTEMPTS="1", OMS_DEMO="false")
    instance.wait_until_ready()
    folder = Path(instance.environment["OMS_DATA_DIR"])
    known = running_instance(folder)
    assert known
    token, managers = (_token(instance, role) for role in ("SERVICE", "MANAGER"))
    with httpx.Client(base_url=instance.url, headers={"Authorization": f"Bearer {managers}"}) as manager:
        sold = manager.post("/graphql", json={"query": _SELL}).json()["data"].values()
        assert [each["userErrors"] for each in sold] == [[], [], []]
    with httpx.Client(base_url=instance.url, headers={"Authorization": f"Bearer {token}"}, timeout=20) as cart:
        for sent in (
            order(),
            order(),
            order(email="another-c4nary@example.com"),
            order(lines=[]),
            order(reference=f"c4nary-order\n{FAKE}"),
        ):
            assert cart.post("/graphql", json={"query": _PLACE, "variables": {"input": sent}}).status_code == 200
        cart.post("/graphql", json={"query": _PLACE, "variables": {"input": {"reference": ["c4nary-order"]}}})
        cart.post("/graphql", content=b'{"query": "c4nary-order')
        cart.get("/c4nary-order?email=c4nary@example.com")
        cart.get("/graphql", headers={"Authorization": f"Bearer {TOKEN}"})
    instance.wait_until(lambda: _parked(known.owner_url))
    _fail_in_the_database(known.database_url)
    instance.stop()
    logs = {file.name: file.read_text(errors="replace") for file in (folder / "logs").iterdir()}
    logs["output"] = instance.output
    assert {"postgres.log", "valkey.log"} <= logs.keys()
    state = json.loads((folder / "state.json").read_text())
    secrets = (*_CANARIES, token, TOKEN, *state["passwords"].values())
    assert [(name, secret) for name, log in logs.items() for secret in secrets if secret in log] == []
    structured = [line for line in instance.output.splitlines() if line.startswith("{")]
    assert structured
    for line in structured:
        assert json.loads(line)["event"] != "All is well", line


def _parked(url: str) -> bool:
    return bool(_ask(url, "SELECT 1 FROM work WHERE parked_at IS NOT NULL"))


def _fail_in_the_database(url: str) -> None:
    """In every way in which PostgreSQL quotes values."""
    for statement in (
        "INSERT INTO orders (id, email) VALUES (gen_random_uuid(), 'c4nary@example.com')",
        "SELECT 'c4nary-order'::int",
        "SELECT 'c4nary-order' FROM nowhere",
    ):
        with pytest.raises(asyncpg.PostgresError):
            _ask(url, statement)


def _ask(url: str, statement: str) -> list[Any]:
    async def execute() -> list[Any]:
        connection = await asyncpg.connect(address_of(url))
        try:
            return list(await connection.fetch(statement))
        finally:
            await connection.close()

    return asyncio.run(execute())
