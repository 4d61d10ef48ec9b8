"""The sandbox's prices without its storage, which belongs to the workers: a quote has no effect to log."""

from dataclasses import dataclass

from oms.providers.ports import QuoteAnswer, QuoteRequest
from oms.providers.sandbox import rules as rules_of
from oms.providers.sandbox.rules import SandboxRules


@dataclass(frozen=True, slots=True)
class SandboxQuotes:
    """Implements QuotingSystem."""

    rules: SandboxRules

    async def quote(self, request: QuoteRequest, /) -> QuoteAnswer:
        return rules_of.quote(request, self.rules)

    async def aclose(self) -> None:
        """Nothing is open."""
