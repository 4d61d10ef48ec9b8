"""Who may see the figures."""

from oms.domain.vocabulary.permission import STAFF, Permission


class FiguresPermission(Permission):
    """Permissions on figures of the shop."""

    READ_FIGURES = "see the figures of the shop", STAFF
