"""What a process asks its database, as texts."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

from sqlalchemy import event

from oms.platform.db import Database, Driver, Statement


@contextmanager
def statements_of(db: Database) -> Iterator[list[str]]:
    """What is sent meanwhile, by SQLAlchemy or past it."""
    sent: list[str] = []

    def note(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        sent.append(statement)

    def noting(send: Any) -> Any:
        def noted(driver: Driver, statement: Statement, values: Mapping[str, Any]) -> Any:
            sent.append(statement.text)
            return send(driver, statement, values)

        return noted

    engine = db.engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        with (
            mock.patch.object(Driver, "fetch", noting(Driver.fetch)),
            mock.patch.object(Driver, "execute", noting(Driver.execute)),
        ):
            yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
