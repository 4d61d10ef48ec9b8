"""Permissions on customers."""

from oms.domain.vocabulary.permission import ALL_BUT_COURIERS, Permission


class CustomerPermission(Permission):
    """Permissions on customers."""

    READ_CUSTOMER = "see customers and their e-mail", ALL_BUT_COURIERS
