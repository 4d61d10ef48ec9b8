"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import CUSTOMERS, SERVICES, Permission


class PlacingPermission(Permission):
    """Permissions to place orders."""

    PLACE_ORDER = "place an order", CUSTOMERS | SERVICES
    SET_PRICE = "set a price in an order", SERVICES


class PlacingReason(Reason):
    """Why an order is not placed."""

    REFERENCE_TAKEN = Code.DUPLICATE, "The reference was used for a different order."
    PRICE_NOT_ALLOWED = Code.FORBIDDEN, "Only a SERVICE may give a unit price."
    CURRENCY_MISMATCH = Code.INVALID, "A product is priced in another currency than the order's."
    ORDER_TOO_LARGE = Code.INVALID, "The order's value exceeds what an order may be worth."
