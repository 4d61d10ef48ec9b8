"""The search of orders describes itself."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.order_search.effects import SearchTerms
from oms.domain.order_search.tables import order_terms

ORDER_SEARCH: Final = Concept(name="order_search", tables=(order_terms,), effects=(SearchTerms(),))
