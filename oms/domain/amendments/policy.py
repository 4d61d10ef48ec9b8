"""Permissions on amended orders."""

from oms.domain.vocabulary.permission import CUSTOMERS, SERVICES, Permission


class AmendmentPermission(Permission):
    """Permissions on amended orders."""

    ACCEPT_AMENDMENT = "accept an amended order", CUSTOMERS | SERVICES
