"""Customers describe themselves."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.customers.policy import CustomerPermission
from oms.domain.customers.tables import customers

CUSTOMERS: Final = Concept(name="customers", tables=(customers,), permissions=(CustomerPermission,))
