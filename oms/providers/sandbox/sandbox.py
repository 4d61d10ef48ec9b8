"""The sandbox's implementation of both ports, used in process or behind HTTP.

It stands for systems outside, so it has its own storage and shares no transaction with the shop.
"""

import asyncio
import random
import sqlite3
from collections.abc import Callable
from enum import Enum, auto
from typing import TypeVar

from oms.providers.calls import BOOK, CHARGE, INVOICE, REFUND, RELEASE, Keyed, ProviderCall, ReleaseRequest
from oms.providers.ports import (
    BookingAnswer,
    BookingRequest,
    ChargeAnswer,
    ChargeRequest,
    InvoiceAnswer,
    InvoiceRequest,
    KeyReused,
    ProviderUnavailable,
    QuoteAnswer,
    QuoteRequest,
    RefundRequest,
    RequestRejected,
)
from oms.providers.sandbox import rules as rules_of
from oms.providers.sandbox.call_log import CallLog, Entry, Outcome
from oms.providers.sandbox.rules import SandboxRules

Request = TypeVar("Request", bound=Keyed)
Answer = TypeVar("Answer")


class AnswerLost(ProviderUnavailable):
    """The call took effect but its answer was lost. For the caller the outcome is unknown."""


class _Fault(Enum):
    """The failure to inject into one call."""

    NONE = auto()
    BEFORE_EFFECT = auto()
    ANSWER_LOST = auto()


class Sandbox:
    """BillingSystem and CourierSystem in one, by the rules in docs/guides/billing.md.

    A call takes effect in one transaction of the log, completely or not at all, and kill -9 does not undo it.
    `chance` draws the injected failures: a seeded one makes a run repeatable. `timeout_s`: if latency is set, a caller
    gives up after that time without knowing whether the call took effect.
    """

    def __init__(
        self,
        rules: SandboxRules,
        log: CallLog,
        *,
        timeout_s: float | None = None,
        chance: random.Random | None = None,
    ) -> None:
        self._rules = rules
        self._log = log
        self._timeout_s = timeout_s
        self._chance = chance or random.Random()  # noqa: S311 - injected failures need no secrecy

    async def invoice(self, request: InvoiceRequest, /) -> InvoiceAnswer:
        return await self._serve(INVOICE, request, lambda: rules_of.invoice(request, self._rules))

    async def quote(self, request: QuoteRequest, /) -> QuoteAnswer:
        return rules_of.quote(request, self._rules)

    async def charge(self, request: ChargeRequest, /) -> ChargeAnswer:
        return await self._serve(CHARGE, request, lambda: rules_of.charge(request, self._rules))

    async def refund(self, request: RefundRequest, /) -> None:
        return await self._serve(REFUND, request, lambda: self._check_refund(request))

    async def book(self, request: BookingRequest, /) -> BookingAnswer:
        return await self._serve(BOOK, request, lambda: self._book(request))

    async def release(self, booking_key: str, /) -> None:
        return await self._serve(RELEASE, ReleaseRequest(booking_key), lambda: None)

    async def aclose(self) -> None:
        self._log.close()

    def _check_refund(self, request: RefundRequest) -> None:
        effect = self._log.effect(CHARGE.name, request.charge_key)
        charged = None
        if effect is not None and CHARGE.read_answer(effect.answer).succeeded:
            charged = CHARGE.read_body(request.charge_key, effect.request)
        refunds = (REFUND.read_body("", body) for body in self._log.refunds_of(request.charge_key))
        rules_of.check_refund(request, charged, sum(refund.amount_minor for refund in refunds))

    def _book(self, request: BookingRequest) -> BookingAnswer:
        return rules_of.book(request, self._rules, released=self._is_released(request.key))

    def _is_released(self, booking_key: str) -> bool:
        return self._log.effect(RELEASE.name, booking_key) is not None

    async def _serve(
        self, call: ProviderCall[Request, Answer], request: Request, decide: Callable[[], Answer]
    ) -> Answer:
        if not self._rules.latency_ms:
            return await self._answer(self._draw_fault(), call, request, decide)
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.sleep(self._rules.latency_ms / 2000)  # the request travels
                try:
                    return await self._answer(self._draw_fault(), call, request, decide)
                finally:
                    await asyncio.sleep(self._rules.latency_ms / 2000)  # the answer travels
        except TimeoutError as error:
            raise ProviderUnavailable(f"{call.name}: no answer within {self._timeout_s} s") from error

    def _draw_fault(self) -> _Fault:
        if not self._rules.failure_rate or self._chance.random() >= self._rules.failure_rate:
            return _Fault.NONE
        return self._chance.choice((_Fault.BEFORE_EFFECT, _Fault.ANSWER_LOST))

    async def _answer(
        self,
        fault: _Fault,
        call: ProviderCall[Request, Answer],
        request: Request,
        decide: Callable[[], Answer],
    ) -> Answer:
        body = call.body(request).decode()
        try:
            if fault is _Fault.BEFORE_EFFECT:
                self._log.append(Entry(call.name, request.key, Outcome.FAILED, body, error="UNAVAILABLE"))
                raise ProviderUnavailable(f"{call.name}: injected failure, before it took effect")
            answer = await self._execute(call, request, body, decide, lost=fault is _Fault.ANSWER_LOST)
        except sqlite3.OperationalError as error:
            raise ProviderUnavailable(f"{call.name}: the sandbox's storage: {error}") from error
        if fault is _Fault.ANSWER_LOST:
            raise AnswerLost(f"{call.name}: injected failure, answer lost after it took effect")
        return answer

    async def _execute(
        self,
        call: ProviderCall[Request, Answer],
        request: Request,
        body: str,
        decide: Callable[[], Answer],
        *,
        lost: bool,
    ) -> Answer:
        """Decides once for each key and logs the outcome, also of a request that it rejects."""
        charge_key = request.charge_key if isinstance(request, RefundRequest) else None
        async with self._log.writing():
            try:
                outcome, answer = self._decide_once(call, request, body, decide)
            except RequestRejected as rejection:
                rejected = rejection
                self._log.append(Entry(call.name, request.key, Outcome.REJECTED, body, error=rejection.code))
            else:
                answer_json = call.answer_json(answer).decode()
                self._log.append(
                    Entry(
                        call.name,
                        request.key,
                        outcome,
                        body,
                        answer_json,
                        answer_lost=lost,
                        charge_key=charge_key,
                    )
                )
                return answer
        raise rejected

    def _decide_once(
        self, call: ProviderCall[Request, Answer], request: Request, body: str, decide: Callable[[], Answer]
    ) -> tuple[Outcome, Answer]:
        effect = self._log.effect(call.name, request.key)
        if effect is None:
            return Outcome.EFFECT, decide()
        # Equal requests may differ as text, for example in the order of an address's fields.
        if effect.request != body and call.read_body(request.key, effect.request) != request:
            raise KeyReused(f"{call.name}: key {request.key} was used before with another request")
        if isinstance(request, BookingRequest) and self._is_released(request.key):
            return Outcome.REPEAT, decide()  # released since: the first answer no longer holds
        return Outcome.REPEAT, call.read_answer(effect.answer)
