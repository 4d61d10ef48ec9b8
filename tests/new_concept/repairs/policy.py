"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import STAFF, Permission


class RepairPermission(Permission):
    """Permissions on repairs."""

    READ_REPAIRS = "see repairs", STAFF
    OPEN_REPAIR = "open a repair", STAFF


class RepairReason(Reason):
    """Why a command on a repair is refused."""

    NOT_OPEN = Code.CONFLICT, "The repair is finished already."


class RepairAction(AuditAction):
    """What the audit log records of repairs."""

    RepairOpened = "RepairOpened", "Staff opened a repair."
