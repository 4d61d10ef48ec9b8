"""The concept's permissions, refusal reasons and audit actions."""

from oms.domain.vocabulary.errors import Code, Reason
from oms.domain.vocabulary.permission import CUSTOMERS, SERVICES, STAFF, Permission


class PlacingPermission(Permission):
    """Permissions to place orders."""

    PLACE_ORDER = "place an order", CUSTOMERS | SERVICES
    SET_PRICE = "set a price in an order", SERVICES
    READ_LIMITS = "see what customers may order", STAFF


class PlacingReason(Reason):
    """Why an order is not placed."""

    REFERENCE_TAKEN = Code.DUPLICATE, "The reference was used for a different order."
    PRICE_NOT_ALLOWED = Code.FORBIDDEN, "Only a SERVICE may give a unit price."
    CURRENCY_MISMATCH = Code.INVALID, "A product is priced in another currency than the order's."
    ORDER_TOO_LARGE = Code.INVALID, "The order's value exceeds what an order may be worth."
    TOO_MANY_LINES = Code.INVALID, "A customer's order has more lines than customers may order."
    QUANTITY_TOO_LARGE = Code.INVALID, "A customer's line has more units than customers may order."
    ADDRESS_INCOMPLETE = Code.INVALID, "A postal address lacks a field that its country needs."
    BAD_POSTAL_CODE = Code.INVALID, "The postal code has not the form of the address's country or region."
    BAD_REGION = Code.INVALID, "The country has no such state, province or county."
    TOO_MANY_OPEN_ORDERS = Code.CONFLICT, "The customer has as many open orders as customers may have."
    TOO_MANY_UNPAID_UNITS = Code.CONFLICT, "The customer would hold more units unpaid than customers may."
    TOO_MUCH_UNPAID = Code.CONFLICT, "The customer's unpaid orders would be worth more than those of customers may."
