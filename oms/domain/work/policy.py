"""Permissions on the queues."""

from oms.domain.vocabulary.permission import STAFF, Permission


class WorkPermission(Permission):
    """Permissions on the queues."""

    READ_OPERATIONS = "see how the system runs", STAFF
