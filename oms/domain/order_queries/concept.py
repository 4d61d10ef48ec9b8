"""Order queries describe themselves."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.order_queries.policy import SearchReason
from oms.domain.vocabulary.errors import InputReason
from oms.domain.vocabulary.machine import StatusReason

ORDER_QUERIES: Final = Concept(name="order_queries", reasons=(SearchReason, InputReason, StatusReason))
