"""Accounts without a password that anybody may use in demo mode. They are valid nowhere else."""

from collections.abc import Mapping
from typing import Final

from oms.domain.identity import account_store
from oms.domain.identity.accounts import Account, NewAccount
from oms.domain.vocabulary.actor import Role
from oms.domain.vocabulary.ids import uuid7
from oms.platform.db import Tx

PERSONAS: Final[Mapping[str, NewAccount]] = {
    "customer": NewAccount("demo-customer", "demo customer", Role.CUSTOMER, "demo-customer"),
    "courier": NewAccount("demo-courier", "demo courier", Role.COURIER),
    "manager": NewAccount("demo-manager", "demo manager", Role.MANAGER),
    "support": NewAccount("demo-support", "demo support", Role.SUPPORT),
}


async def account_of(tx: Tx, persona: str) -> Account:
    """The persona's account, created if it is missing."""
    new = PERSONAS[persona]
    account = await account_store.add(tx, uuid7(await tx.clock()), new, None)
    if account is None:
        found = await account_store.of_login(tx.conn, new.login)
        if found is None:
            raise RuntimeError(f"the account {new.login} has disappeared, although accounts are never deleted")
        account, _ = found
    return account
