"""Exporting and erasing what is held about a customer.

Orders, lines, amounts, invoices and event logs stay; none of them names a person (docs/guides/personal-data.md).
"""

from typing import Any
from uuid import UUID

from oms.domain.access.permissions import Viewer, require
from oms.domain.approvals.rules import ALONE, SecondPerson
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.customers import store as customer_store
from oms.domain.personal_data import store
from oms.domain.personal_data.policy import PersonalDataAction, PersonalDataPermission, PersonalDataReason
from oms.domain.personal_data.store import Erased
from oms.domain.vocabulary.actor import Actor
from oms.domain.vocabulary.errors import Refused, refuse_all, refused
from oms.domain.vocabulary.ids import customer_id
from oms.domain.vocabulary.texts.checks import CODE_LENGTH, REASON_LENGTH, check_text
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx


async def export(tx: Tx, by: Viewer | Actor, reference: str) -> dict[str, Any]:
    """Rows as JSON, by table. The export is in the audit log. Raises Refused: FORBIDDEN, INVALID, NOT_FOUND."""
    customer = await _locked(tx, by, reference)
    rows = await store.export(tx, customer, reference)
    await record(tx, by, Entry(PersonalDataAction.CustomerExported, customer_id(customer)))
    return rows


async def erase(
    tx: Tx, by: Viewer | Actor, reference: str, reason: str, *, second_person: SecondPerson = ALONE
) -> Erased:
    """Overwrites or deletes what identifies the customer; their accounts are disabled and their tokens revoked.

    It can be repeated with the pseudonym that it returns, and then erases what was written meanwhile. Raises Refused:
    FORBIDDEN; INVALID; NOT_FOUND; CONFLICT while an order of theirs is open or has work to do, or if `second_person`
    must confirm it.
    """
    refuse_all(check_text(reason, "reason", max_length=REASON_LENGTH))
    customer = await _locked(tx, by, reference)
    if open_orders := await store.open_orders(tx, reference):
        shown = ", ".join(open_orders)
        message = wording(
            "Orders are still under way: {shown}. Wait until they end, or cancel them, then erase.", shown=shown
        )
        raise refused(PersonalDataReason.ORDERS_UNDER_WAY, message, "reference")
    second_person.check_erasure(customer_id(customer), reason)
    erased = await store.erase(tx, customer, reference)
    await record(
        tx, by, Entry(PersonalDataAction.CustomerErased, customer_id(customer), after=dict(erased.rows), reason=reason)
    )
    return erased


async def erase_by_id(tx: Tx, by: Viewer, customer: UUID, reason: str) -> Erased:
    """The same for a customer whose reference is not known to the caller."""
    reference = await customer_store.reference_of(tx, customer)
    if reference is None:
        raise _no_customer()
    return await erase(tx, by, reference, reason)


async def _locked(tx: Tx, by: Viewer | Actor, reference: str) -> UUID:
    if isinstance(by, Viewer):
        require(by, PersonalDataPermission.ERASE_CUSTOMER)
    refuse_all(check_text(reference, "reference", max_length=CODE_LENGTH))
    customer = await customer_store.lock(tx, reference)
    if customer is None:
        raise _no_customer()
    return customer


def _no_customer() -> Refused:
    message = wording("There is no customer with this reference; an erased customer is found by the pseudonym.")
    return refused(PersonalDataReason.CUSTOMER_NOT_FOUND, message, "reference")
