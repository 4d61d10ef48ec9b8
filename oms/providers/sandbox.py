"""The sandbox: a billing system and a courier service for trying things out, used in process or behind HTTP.

It stands for systems outside, so it keeps its own storage and shares no transaction with the shop.
"""

import asyncio
import random
import sqlite3
from collections.abc import Callable
from enum import Enum, auto
from typing import TypeVar

from oms.providers import sandbox_rules as rules_of
from oms.providers.operations import BOOK, CHARGE, INVOICE, REFUND, RELEASE, Keyed, Operation, ReleaseRequest
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
from oms.providers.sandbox_rules import SandboxRules
from oms.providers.sandbox_store import CallLog, Entry, Outcome

Asked = TypeVar("Asked", bound=Keyed)
Answered = TypeVar("Answered")


class AnswerLost(ProviderUnavailable):
    """The call took effect and its answer did not arrive: to the caller just another unknown outcome."""


class _Fate(Enum):
    """What is to become of one call."""

    WELL = auto()
    FAILS = auto()
    LOSES_ANSWER = auto()


class Sandbox:
    """BillingSystem and CourierSystem in one, after documented rules (docs/guides/billing.md).

    A call takes effect in one transaction of the log, whole or not at all, and no kill -9 undoes it.
    `chance` draws the injected failures: give a seeded one to repeat a run. `timeout_s` is how long a caller
    waits where latency is set, and then gives up not knowing whether the call took effect.
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
        self, operation: Operation[Asked, Answered], request: Asked, decide: Callable[[], Answered]
    ) -> Answered:
        if not self._rules.latency_ms:
            return await self._meet(self._draw_fate(), operation, request, decide)
        try:
            async with asyncio.timeout(self._timeout_s):
                await asyncio.sleep(self._rules.latency_ms / 2000)  # the request's way
                try:
                    return await self._meet(self._draw_fate(), operation, request, decide)
                finally:
                    await asyncio.sleep(self._rules.latency_ms / 2000)  # the answer's way
        except TimeoutError as error:
            raise ProviderUnavailable(f"{operation.name}: no answer within {self._timeout_s} s") from error

    def _draw_fate(self) -> _Fate:
        if not self._rules.failure_rate or self._chance.random() >= self._rules.failure_rate:
            return _Fate.WELL
        return self._chance.choice((_Fate.FAILS, _Fate.LOSES_ANSWER))

    async def _meet(
        self,
        fate: _Fate,
        operation: Operation[Asked, Answered],
        request: Asked,
        decide: Callable[[], Answered],
    ) -> Answered:
        body = operation.body(request).decode()
        try:
            if fate is _Fate.FAILS:
                self._log.append(Entry(operation.name, request.key, Outcome.FAILED, body, error="UNAVAILABLE"))
                raise ProviderUnavailable(f"{operation.name}: failed before taking effect, as told")
            answer = await self._carry_out(operation, request, body, decide, lost=fate is _Fate.LOSES_ANSWER)
        except sqlite3.OperationalError as error:
            raise ProviderUnavailable(f"{operation.name}: the sandbox's storage: {error}") from error
        if fate is _Fate.LOSES_ANSWER:
            raise AnswerLost(f"{operation.name}: answer lost after taking effect, as told")
        return answer

    async def _carry_out(
        self,
        operation: Operation[Asked, Answered],
        request: Asked,
        body: str,
        decide: Callable[[], Answered],
        *,
        lost: bool,
    ) -> Answered:
        """Decides once for each key and writes down what came of it, a RequestRejected that it raises too."""
        charge_key = request.charge_key if isinstance(request, RefundRequest) else None
        async with self._log.writing():
            try:
                outcome, answer = self._decide_once(operation, request, body, decide)
            except RequestRejected as rejection:
                rejected = rejection
                self._log.append(Entry(operation.name, request.key, Outcome.REJECTED, body, error=rejection.code))
            else:
                answer_json = operation.answer_json(answer).decode()
                self._log.append(
                    Entry(
                        operation.name,
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
        self, operation: Operation[Asked, Answered], request: Asked, body: str, decide: Callable[[], Answered]
    ) -> tuple[Outcome, Answered]:
        effect = self._log.effect(operation.name, request.key)
        if effect is None:
            return Outcome.EFFECT, decide()
        # Equal requests may differ as text, e.g. in the order of an address's fields.
        if effect.request != body and operation.read_body(request.key, effect.request) != request:
            raise KeyReused(f"{operation.name}: key {request.key} came before with another request")
        if isinstance(request, BookingRequest) and self._is_released(request.key):
            return Outcome.REPEAT, decide()  # released since: no longer what was answered then
        return Outcome.REPEAT, operation.read_answer(effect.answer)
