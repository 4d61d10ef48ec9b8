"""Browsers in which an account's owner has signed in with the password: their attempts are counted apart from others'.

So wrong attempts from elsewhere keep the owner out of new browsers only. A browser holds a random secret for each of
the last few people who signed in there; the database holds its hash, bound to the account. A secret that was issued
before the password or the role changed is worth nothing. Source: OWASP, "Slow Down Online Guessing Attacks with Device
Cookies".
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from oms.domain.access.secret import digest_of, new_secret
from oms.domain.identity.accounts import Account
from oms.domain.identity.signing_in import device_store
from oms.platform.db import Database, Tx

MAX_PEOPLE: Final = 4
"""Whose secrets one browser holds: a shared computer serves a few people."""

MAX_DEVICES: Final = 20
"""Of one account; the one that was used longest ago is forgotten first."""


async def known(db: Database, login: str, secrets: Sequence[str]) -> bytes | None:
    """The hash of the browser's secret for this login; None if it is a stranger's browser."""
    if not secrets:
        return None
    async with db.reading() as conn:
        return await device_store.find(conn, login, [digest_of(secret) for secret in secrets])


async def remember(tx: Tx, account: Account, held: Sequence[str], *, lifetime: timedelta) -> list[str]:
    """What the browser holds from now on: a new secret for the account, and those of other people.

    `held`: what it held until now. An earlier secret of the account is worth nothing any more.
    """
    secret = new_secret()
    replaced = await device_store.forget(tx, account.id, [digest_of(each) for each in held])
    await device_store.add(tx, digest_of(secret), account.id, lifetime=lifetime, keep=MAX_DEVICES)
    others = [each for each in held if digest_of(each) not in replaced]
    return [secret, *others][:MAX_PEOPLE]
