"""Idempotency describes itself."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.idempotency.tables import idempotency_keys

IDEMPOTENCY: Final = Concept(name="idempotency", tables=(idempotency_keys,))
