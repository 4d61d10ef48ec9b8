"""Quoting describes itself."""

from typing import Final

from oms.domain.concept.declaration import Concept
from oms.domain.quoting.policy import QuotingReason

QUOTING: Final = Concept(name="quoting", reasons=(QuotingReason,))
