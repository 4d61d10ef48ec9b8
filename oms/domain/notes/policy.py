"""The concept's permissions and audit actions."""

from oms.domain.vocabulary.audit_action import AuditAction
from oms.domain.vocabulary.permission import STAFF, Permission
from oms.domain.vocabulary.wording import wording


class NotePermission(Permission):
    """Permissions on notes. Customers and couriers do not know that there are any."""

    READ_NOTES = "read the notes on orders", STAFF
    ADD_NOTE = "add notes to orders", STAFF


class NoteAction(AuditAction):
    """What the audit log records of notes: that there is one, never what it says."""

    NoteAdded = (
        "NoteAdded",
        "Staff wrote a note on an order; its text is not recorded.",
        wording("{who} wrote a note on order {order}"),
    )
