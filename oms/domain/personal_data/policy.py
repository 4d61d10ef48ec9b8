"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import MANAGERS, Permission
from oms.domain.vocabulary.wording import wording


class PersonalDataPermission(Permission):
    """Permissions on what is held about a customer."""

    ERASE_CUSTOMER = "export or erase what is held about a customer", MANAGERS


class PersonalDataReason(Reason):
    """Why nothing is exported or erased."""

    CUSTOMER_NOT_FOUND = Code.NOT_FOUND, "No customer has this reference; an erased one is found by the pseudonym."
    ORDERS_UNDER_WAY = Code.CONFLICT, "An order of the customer is open or has work to do."


class PersonalDataAction(AuditAction):
    """What the audit log records of exports and erasures."""

    CustomerExported = (
        "CustomerExported",
        "A customer's personal data was handed out.",
        wording("{who} exported the data of customer {subject}"),
    )
    CustomerErased = (
        "CustomerErased",
        "A customer's personal data was erased.",
        wording("{who} erased the personal data of customer {subject}"),
    )
