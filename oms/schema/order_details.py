"""What a customer says about an order as a whole: the fields of PlaceOrderInput and of Order.

A new detail is a field here, in oms/domain/order/details.py, and its column.
"""

from collections.abc import Mapping
from typing import Self, TypeVar

import strawberry

from oms.domain.customers.policy import CustomerPermission
from oms.domain.order.details import OrderDetails
from oms.domain.order.policy import OrderPermission
from oms.domain.order_queries.orders import SeenOrder
from oms.schema.runtime.fields import attribute, field, input_type, object_type
from oms.schema.runtime.reading.reads import Reads

T = TypeVar("T")


@input_type
class AddressInput:
    """Where an order's shipments should go."""

    name: str | None = attribute("Who receives the parcel.", default=None)
    line1: str | None = attribute("Street and number.", default=None)
    line2: str | None = attribute("Floor, flat or company.", default=None)
    city: str | None = attribute("Town or village.", default=None)
    region: str | None = attribute("State, province or county, where the country's addresses have one.", default=None)
    postal_code: str | None = attribute("ZIP code or the like, as the country writes it.", default=None)
    country: str | None = attribute(default=None, description="ISO 3166-1 alpha-2.")

    def parts(self) -> dict[str, str | None]:
        """By the contract's names."""
        return {
            "name": self.name,
            "line1": self.line1,
            "line2": self.line2,
            "city": self.city,
            "region": self.region,
            "postalCode": self.postal_code,
            "country": self.country,
        }


@object_type(needs=OrderPermission.READ_ORDER)
class Address:
    """Where an order's shipments go."""

    name: str | None = attribute("Who receives the parcel.")
    line1: str | None = attribute("Street and number.")
    line2: str | None = attribute("Floor, flat or company.")
    city: str | None = attribute("Town or village.")
    region: str | None = attribute("State, province or county, where the country's addresses have one.")
    postal_code: str | None = attribute("ZIP code or the like, as the country writes it.")
    country: str | None = attribute("ISO 3166-1 alpha-2.")

    @classmethod
    def of(cls, parts: Mapping[str, str | None]) -> Self:
        return cls(
            name=parts.get("name"),
            line1=parts.get("line1"),
            line2=parts.get("line2"),
            city=parts.get("city"),
            region=parts.get("region"),
            postal_code=parts.get("postalCode"),
            country=parts.get("country"),
        )


@input_type
class OrderDetailsInput:
    """The details in PlaceOrderInput."""

    email: str | None = attribute(default=None, description="Where confirmations go.")
    shipping_address: AddressInput | None = attribute(
        "Where the shipments go. Optional; checkAddress tells whether a parcel can be sent there.", default=None
    )
    phone: str | None = attribute(
        "For the courier at the door, and to find the order by: 5 to 15 digits, best after a plus sign and the"
        " country's code.",
        default=None,
    )

    def details(self) -> OrderDetails:
        return OrderDetails(
            email=self.email,
            phone=self.phone,
            shipping_address=self.shipping_address.parts() if self.shipping_address else None,
        )


@object_type()
class OrderDetailsFields:
    """The details in Order."""

    reads: strawberry.Private[Reads]
    seen: strawberry.Private[SeenOrder]

    @field("Where confirmations go. Null for couriers.", needs=CustomerPermission.READ_CUSTOMER)
    def email(self) -> str | None:
        return self._read(self.seen.order.details.email)

    @field(
        "Digits, after a plus sign if they begin with a country's code. Couriers see it with the address.",
        needs=OrderPermission.READ_ORDER,
    )
    def phone(self) -> str | None:
        return self._read(self.seen.order.details.phone)

    @field("Null if none was given, and once the customer was erased.", needs=OrderPermission.READ_ORDER)
    def shipping_address(self) -> Address | None:
        parts = self._read(self.seen.order.details.shipping_address)
        return Address.of(parts) if parts else None

    def _read(self, value: T | None) -> T | None:
        """The same value, after reporting that somebody reads personal data if there is any."""
        if value:
            self.reads.on_personal_read(self.reads.viewer, self.seen.order.id)
        return value
