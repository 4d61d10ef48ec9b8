"""The shop's settings in PostgreSQL."""

from datetime import timedelta
from typing import Final

from oms.domain.pictures.model import Picture, PictureType
from oms.domain.shop_settings.model import Choices, LogoRef, ShopSettings
from oms.platform.db import Database, Row, Statement, Tx

_COLUMNS: Final = "name, time_zone, currency, amendment_timeout_s, logo_type, logo_digest, version, updated_at"
_READ: Final = Statement(f"SELECT {_COLUMNS} FROM shop_settings WHERE id = 1")  # noqa: S608 - names of columns
_LOGO: Final = Statement("SELECT logo_type, logo, logo_digest FROM shop_settings WHERE id = 1 AND logo IS NOT NULL")
_DEADLINE: Final = Statement("SELECT amendment_timeout_s FROM shop_settings WHERE id = 1")
_CREATE: Final = Statement(
    "INSERT INTO shop_settings (id, version, updated_at) VALUES (1, 0, clock_timestamp()) ON CONFLICT (id) DO NOTHING"
)
_LOCK: Final = Statement(f"SELECT {_COLUMNS} FROM shop_settings WHERE id = 1 FOR UPDATE")  # noqa: S608 - likewise
_CHANGE: Final = Statement(
    """
    UPDATE shop_settings SET name = :name, time_zone = :time_zone, currency = :currency,
        amendment_timeout_s = :timeout, version = version + 1, updated_at = clock_timestamp()
    WHERE id = 1
    """
)
_CHANGE_LOGO: Final = Statement(
    """
    UPDATE shop_settings SET logo = :logo, logo_type = :type, logo_digest = :digest, version = version + 1,
        updated_at = clock_timestamp()
    WHERE id = 1
    """
)


async def read(db: Database) -> ShopSettings:
    rows = await db.rows(_READ)
    return _settings_of(rows[0]) if rows else ShopSettings()


async def logo(db: Database) -> Picture | None:
    rows = await db.rows(_LOGO)
    return Picture(PictureType(rows[0][0]), rows[0][1], rows[0][2]) if rows else None


async def answer_within(tx: Tx, default: timedelta) -> timedelta:
    """How long a customer has to answer an amended order."""
    rows = await tx.rows(_DEADLINE)
    return timedelta(seconds=rows[0][0]) if rows and rows[0][0] is not None else default


async def to_change(tx: Tx) -> ShopSettings:
    """The settings, which nobody else changes before this transaction ends."""
    await tx.run(_CREATE)
    return _settings_of((await tx.rows(_LOCK))[0])


async def change(tx: Tx, new: Choices) -> None:
    """The caller holds the lock."""
    await tx.run(
        _CHANGE, name=new.name, time_zone=new.time_zone, currency=new.currency, timeout=new.amendment_timeout_s
    )


async def change_logo(tx: Tx, new: Picture | None) -> None:
    """The caller holds the lock."""
    await tx.run(
        _CHANGE_LOGO,
        logo=new.content if new else None,
        type=str(new.type) if new else None,
        digest=new.digest if new else None,
    )


def _settings_of(row: Row) -> ShopSettings:
    name, time_zone, currency, timeout_s, logo_type, digest, version, updated_at = row
    choices = Choices(name=name, time_zone=time_zone, currency=currency, amendment_timeout_s=timeout_s)
    return ShopSettings(choices, LogoRef(PictureType(logo_type), digest) if digest else None, version, updated_at)
