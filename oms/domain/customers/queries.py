"""Reading customers, as far as the viewer may see."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from oms.domain.access.permissions import Viewer, may_for
from oms.domain.customers.policy import CustomerPermission
from oms.domain.vocabulary.errors import refuse_all
from oms.domain.vocabulary.texts.checks import CODE_LENGTH, check_text
from oms.platform.db import Database, Statement


@dataclass(frozen=True, slots=True)
class SeenCustomer:
    """`reference` is the caller's own customer number."""

    id: UUID
    reference: str


_OF_ID: Final = Statement("SELECT id, reference FROM customers WHERE id = :key")
_OF_REFERENCE: Final = Statement("SELECT id, reference FROM customers WHERE reference = :key")


async def find(db: Database, viewer: Viewer, key: UUID | str) -> SeenCustomer | None:
    """By id or by reference; customers see themselves only, couriers nobody.

    Raises Refused(INVALID) for a text that no reference can be.
    """
    if isinstance(key, str):
        refuse_all(check_text(key, "reference", max_length=CODE_LENGTH))
    for row in await db.rows(_OF_REFERENCE if isinstance(key, str) else _OF_ID, key=key):
        customer = SeenCustomer(*row)
        return customer if may_for(viewer, CustomerPermission.READ_CUSTOMER, customer.reference) else None
    return None
