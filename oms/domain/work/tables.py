"""The tables of due work and of the workers that carry it out."""

from typing import Final

from sqlalchemy import ARRAY, Boolean, Column, DateTime, Index, Integer, Text, Uuid, text

from oms.platform.tables import EVERYWHERE, NOBODY, PLAIN, Access, table

work: Final = table(
    "work",
    Column("subject_id", Uuid, primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("queue", Text, primary_key=True, info=PLAIN),
    Column("step", Text, nullable=False, info=PLAIN),
    Column("due_at", DateTime(timezone=True), nullable=False),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    # May crash whatever it is processed with, so it runs alone.
    Column("suspect", Boolean, nullable=False, server_default=text("false")),
    # Waits until the gate of its kind opens, whatever due_at says.
    Column("held", Boolean, nullable=False, server_default=text("false")),
    Column("claim", Uuid),
    Column("leased_until", DateTime(timezone=True)),
    Column("parked_at", DateTime(timezone=True)),
    Column("last_error", Text, info=PLAIN),
    Index("ix_work_due", "queue", "due_at", postgresql_where=text("parked_at IS NULL AND NOT held")),
    Index("ix_work_held", "queue", postgresql_where=text("held")),
    Index("ix_work_parked", "parked_at", postgresql_where=text("parked_at IS NOT NULL")),
    # Every row is updated and deleted soon after it was written: leave room for new versions on its page.
    postgresql_with={"fillfactor": 60},
    access=Access.ALL,
    distributed_by=("subject_id", "order"),
    customer_rows=NOBODY,
)

workers: Final = table(
    "workers",
    Column("name", Text, primary_key=True, info=PLAIN),
    Column("queues", ARRAY(Text), nullable=False, info=PLAIN),
    # Those of which it hears wake-ups; of the others it takes due work by its timer.
    Column("listening", ARRAY(Text), nullable=False, info=PLAIN),
    Column("failures", Integer, nullable=False),
    Column("seen_at", DateTime(timezone=True), nullable=False),
    access=Access.ALL,
    distributed_by=EVERYWHERE,
    customer_rows=NOBODY,
)
