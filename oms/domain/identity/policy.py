"""The concept's refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import MANAGERS, Permission
from oms.domain.vocabulary.wording import wording


class IdentityPermission(Permission):
    """Permissions on the accounts of others."""

    MANAGE_PEOPLE = "see and change people's accounts", MANAGERS


class IdentityReason(Reason):
    """Why a command on an account or a session is refused."""

    ACCOUNT_NOT_FOUND = Code.NOT_FOUND, "There is no such account."
    SESSION_NOT_FOUND = Code.NOT_FOUND, "The viewer has no such session, or it has ended."
    LOGIN_TAKEN = Code.DUPLICATE, "Another account has this login."
    BAD_LOGIN = Code.INVALID, "The login contains characters that no login may have."
    ROLE_HAS_NO_WAREHOUSES = Code.INVALID, "Only a COURIER may be limited to warehouses."
    ROLE_NEEDS_CUSTOMER = Code.INVALID, "A customer reference is required for the role CUSTOMER, and only for it."
    ROLE_FOR_MACHINES = Code.INVALID, "People cannot have the role SERVICE."
    UNKNOWN_TIME_ZONE = Code.INVALID, "The time zone is not a name of the IANA time zone database."
    WRONG_PASSWORD = Code.INVALID, "The present password is wrong."
    WEAK_PASSWORD = Code.INVALID, "The new password is too short, too common, guessable or known from a breach."
    ACCOUNT_CHANGED = Code.CONFLICT, "The account was changed by another request in between."
    NOT_LINKED = Code.CONFLICT, "The account is not linked to an OpenID Connect provider yet."
    LAST_MANAGER = Code.CONFLICT, "No enabled manager would remain."
    OWN_ACCOUNT = Code.FORBIDDEN, "Managers do not disable, demote or reset themselves."
    NO_ACCOUNT = Code.FORBIDDEN, "The caller is not a person with an account."


class IdentityAction(AuditAction):
    """What the audit log records of accounts and sessions."""

    SignedIn = (
        "SignedIn",
        "Somebody signed in.",
        wording("{who} signed in"),
    )
    SignInFailed = (
        "SignInFailed",
        "Wrong password, or a blocked account.",
        wording("Somebody failed to sign in as {subject}"),
    )
    SignedOut = (
        "SignedOut",
        "Somebody signed out.",
        wording("{who} signed out"),
    )
    SessionsEnded = (
        "SessionsEnded",
        "Somebody ended their sessions elsewhere, or the operator did.",
        wording("{who} ended {after_ended} sessions of {subject}"),
    )
    AccountCreated = (
        "AccountCreated",
        "By the operator or a manager.",
        wording("{who} created the account of {subject}"),
    )
    AccountChanged = (
        "AccountChanged",
        "Its name, its sign-in or its state.",
        wording("{who} changed the account of {subject}"),
    )
    RoleChanged = (
        "RoleChanged",
        "An account got another role.",
        wording("{who} changed the role of {subject} from {before_role} to {after_role}"),
    )
    PasswordChanged = (
        "PasswordChanged",
        "By its owner or the operator.",
        wording("{who} changed the password of {subject}"),
    )
