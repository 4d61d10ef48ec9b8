"""The concept's refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.wording import wording


class TokenReason(Reason):
    """Why a token is not issued or revoked."""

    TOKEN_NOT_FOUND = Code.NOT_FOUND, "There is no such token, or it was revoked already."
    TOKEN_NEEDS_CUSTOMER = Code.INVALID, "A customer reference is required for the role CUSTOMER, and only for it."
    TOKEN_HAS_NO_WAREHOUSES = Code.INVALID, "Only a token for a COURIER may be limited to warehouses."
    TOKEN_JUST_ROTATED = Code.CONFLICT, "The secret before the last rotation still works; only one may."
    SCOPE_BEYOND_ROLE = Code.INVALID, "The scope contains a permission that the role does not have."


class TokenAction(AuditAction):
    """What the audit log records of access tokens."""

    TokenIssued = (
        "TokenIssued",
        "A machine client got an access token.",
        wording("{who} issued the token {subject}"),
    )
    TokenRotated = (
        "TokenRotated",
        "An access token was replaced.",
        wording("{who} rotated the token {subject}"),
    )
    TokenRevoked = (
        "TokenRevoked",
        "An access token is no longer valid.",
        wording("{who} revoked the token {subject}"),
    )
