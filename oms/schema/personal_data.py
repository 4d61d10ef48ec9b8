"""Export and erasure of a customer's personal data; see docs/guides/personal-data.md."""

import json
from typing import Annotated

import strawberry

from oms.domain.customers.policy import CustomerPermission
from oms.domain.personal_data import commands
from oms.domain.personal_data.policy import PersonalDataPermission
from oms.platform.db import Tx
from oms.schema.customers import Customer, customer_of
from oms.schema.runtime.commands import run_command
from oms.schema.runtime.context import Info
from oms.schema.runtime.errors import UserError
from oms.schema.runtime.fields import NOTHING_MORE, argument, attribute, field, mutation, object_type


@object_type(needs=NOTHING_MORE)
class CustomerExportPayload:
    """A customer's personal data, or why it is not exported."""

    held: str | None = attribute("JSON: by table, a list of its rows.", needs=PersonalDataPermission.ERASE_CUSTOMER)
    user_errors: list[UserError] = attribute("Why nothing was exported; empty if it was.")


@object_type(needs=NOTHING_MORE)
class CustomerPayload:
    """The customer under the new pseudonym, or why nothing was done."""

    pseudonym: strawberry.Private[str | None]
    user_errors: list[UserError] = attribute("Why nothing was done; empty if it was.")

    @field("Under the new pseudonym; null with any error.", needs=CustomerPermission.READ_CUSTOMER)
    async def customer(self, info: Info) -> Customer | None:
        return await customer_of(info.context.fresh_reads(), self.pseudonym) if self.pseudonym else None


@strawberry.type
class Mutations:
    """Commands of managers on a customer's personal data."""

    @mutation(
        "Returns everything that is stored about a customer; the request is recorded in the audit log. An"
        " Idempotency-Key is ignored, because the data would have to be stored under it.",
        needs=PersonalDataPermission.ERASE_CUSTOMER,
    )
    async def export_customer(
        self, info: Info, reference: Annotated[str, argument("The customer's reference.")]
    ) -> CustomerExportPayload:
        async def act(tx: Tx) -> dict[str, object]:
            return await commands.export(tx, info.context.viewer, reference)

        held, errors = await run_command(info, act, keep_result=False)
        exported = None if held is None else json.dumps(held, ensure_ascii=False)
        return CustomerExportPayload(held=exported, user_errors=errors)

    @mutation(
        "Erases the customer's personal data for good; their orders are kept under a pseudonym. Refused while one of"
        " them is open.",
        needs=PersonalDataPermission.ERASE_CUSTOMER,
    )
    async def erase_customer(
        self,
        info: Info,
        reference: Annotated[str, argument("The customer's reference.")],
        reason: Annotated[str, argument("Why, at most 500 characters; it is kept in the audit log.")],
    ) -> CustomerPayload:
        async def act(tx: Tx) -> str:
            second_person = info.context.second_person
            erased = await commands.erase(tx, info.context.viewer, reference, reason, second_person=second_person)
            return erased.pseudonym

        pseudonym, errors = await run_command(info, act)
        return CustomerPayload(pseudonym=pseudonym, user_errors=errors)
