"""Billing and courier systems in memory. They honour keys, and fail in every way that a network makes possible."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from oms.providers.ports import (
    BookingAnswer,
    BookingRequest,
    ChargeAnswer,
    ChargeRequest,
    InvoiceAnswer,
    InvoiceRequest,
    KeyReused,
    ProviderUnavailable,
    RefundRequest,
    RequestRejected,
)
from oms.providers.sandbox import rules as sandbox_rules
from oms.providers.sandbox.rules import SandboxRules
from oms.tools.check.sandbox.log import Effect, subject_of
from tests.system.simulation.scheduler import Scheduler

FATES: Final = ("succeeds", "fails", "answer lost", "late")


@dataclass
class Reliability:
    """Shares of calls with each fate; a late call takes effect long after its caller gave up."""

    shares: tuple[float, float, float, float] = (1.0, 0.0, 0.0, 0.0)
    is_down: bool = False


@dataclass
class SimulatedProviders:
    """BillingSystem and CourierSystem in one. Reports to `complain` what no provider should ever be sent."""

    scheduler: Scheduler
    chance: random.Random
    rules: SandboxRules
    complain: Callable[[str], None]
    reliability: Reliability = field(default_factory=Reliability)
    late: list[tuple[str, Any]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    _done: dict[tuple[str, str], tuple[Any, Any]] = field(default_factory=dict)
    _charged: dict[tuple[UUID, int] | None, str] = field(default_factory=dict)
    _refunded: dict[str, int] = field(default_factory=dict)

    async def invoice(self, request: InvoiceRequest, /) -> InvoiceAnswer:
        answer: InvoiceAnswer = await self._serve("invoice", request.key, request)
        return answer

    async def charge(self, request: ChargeRequest, /) -> ChargeAnswer:
        answer: ChargeAnswer = await self._serve("charge", request.key, request)
        return answer

    async def refund(self, request: RefundRequest, /) -> None:
        await self._serve("refund", request.key, request)

    async def book(self, request: BookingRequest, /) -> BookingAnswer:
        answer: BookingAnswer = await self._serve("book", request.key, request)
        return answer

    async def release(self, booking_key: str, /) -> None:
        await self._serve("release", booking_key, booking_key)

    async def _serve(self, operation: str, key: str, request: Any) -> Any:
        call = self.scheduler.activity(f"{operation} {key}")
        await self.scheduler.pause(call, "request on its way")
        fate = self.chance.choices(FATES, self.reliability.shares)[0]
        if self.reliability.is_down or fate == "fails":
            raise ProviderUnavailable(f"{operation}: failed without effect")
        if fate == "late":
            self.late.append((operation, request))
            raise ProviderUnavailable(f"{operation}: will take effect later")
        answer = self._take_effect(operation, key, request)
        await self.scheduler.pause(call, "answer on its way")
        if fate == "answer lost":
            raise ProviderUnavailable(f"{operation}: took effect, the answer was lost")
        return answer

    def deliver_late(self, index: int) -> str:
        """A request whose caller gave up takes effect; returns which."""
        operation, request = self.late.pop(index)
        key = request if operation == "release" else request.key
        try:
            self._take_effect(operation, key, request)
        except RequestRejected as rejection:
            self.complain(f"Rule 2: a late request is invalid: {rejection}")
        return f"{operation} {key}"

    def _take_effect(self, operation: str, key: str, request: Any) -> Any:
        """Once for each key. Raises RequestRejected for invalid requests, as the sandbox does."""
        if known := self._done.get((operation, key)):
            if known[0] != request:
                raise KeyReused(f"{operation}: {key} was used with another request before")
            if operation == "book" and ("release", key) in self._done:
                return self._decide(operation, request)
            return known[1]
        answer = self._decide(operation, request)
        self._done[operation, key] = (request, answer)
        self._record(operation, key, request, answer)
        return answer

    def _decide(self, operation: str, request: Any) -> Any:
        match operation:
            case "invoice":
                return sandbox_rules.invoice(request, self.rules)
            case "charge":
                return sandbox_rules.charge(request, self.rules)
            case "book":
                released = ("release", request.key) in self._done
                return sandbox_rules.book(request, self.rules, released=released)
            case "refund":
                charged, answer = self._done.get(("charge", request.charge_key), (None, None))
                succeeded = charged if answer and answer.succeeded else None
                sandbox_rules.check_refund(request, succeeded, self._refunded.get(request.charge_key, 0))
        return None

    def _record(self, operation: str, key: str, request: Any, answer: Any) -> None:
        if operation == "invoice":
            return
        if operation == "refund":
            self._refunded[request.charge_key] = self._refunded.get(request.charge_key, 0) + request.amount_minor
        subject = subject_of(request.charge_key if operation == "refund" else key)
        granted = bool(getattr(answer, "succeeded", getattr(answer, "accepted", True)))
        if operation == "charge" and granted:
            if subject in self._charged:
                self.complain(f"Rule 2: a shipment was charged under {self._charged[subject]} and again under {key}")
            self._charged[subject] = key
        self.effects.append(
            Effect(
                operation=operation,
                key=key,
                subject=subject,
                granted=granted,
                amount_minor=getattr(request, "amount_minor", None),
                tracking_number=getattr(answer, "tracking_number", None),
                is_early=True,
            )
        )
