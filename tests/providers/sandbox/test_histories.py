"""Any history of calls, with lost answers: amounts add up, and the answer for a key never changes."""

import asyncio
import random
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from oms.providers.calls import CHARGE, REFUND
from oms.providers.ports import (
    BookingAnswer,
    BookingRequest,
    ChargeAnswer,
    ChargeRequest,
    KeyReused,
    ProviderUnavailable,
    RefundRequest,
    RequestRejected,
)
from oms.providers.sandbox.call_log import CallLog
from oms.providers.sandbox.rules import SandboxRules
from oms.providers.sandbox.sandbox import Sandbox
from tests.providers.conftest import effects

small = st.integers(0, 3)
charges = st.builds(
    ChargeRequest,
    key=st.builds("c-{}".format, small),
    amount_minor=st.integers(0, 3),
    currency=st.just("USD"),
    payment_method=st.sampled_from(["sandbox-ok", "sandbox-ok", "sandbox-declined"]),
)
refunds = st.builds(
    RefundRequest,
    key=st.builds("r-{}".format, small),
    charge_key=st.builds("c-{}".format, small),
    amount_minor=st.integers(0, 3),
    currency=st.just("USD"),
)
bookings = st.builds(
    BookingRequest,
    key=st.builds("b-{}".format, small),
    warehouse_code=st.just("W-1"),
    units=st.integers(1, 2),
    address=st.none(),
)
releases = st.builds("b-{}".format, small)


@dataclass
class Shop:
    """A caller that repeats unanswered calls, and remembers the answers."""

    sandbox: Sandbox
    answers: dict[str, ChargeAnswer] = field(default_factory=dict)
    released: set[str] = field(default_factory=set)

    async def call(self, request: ChargeRequest | RefundRequest | BookingRequest | str) -> None:
        while True:
            try:
                await self.call_once(request)
            except ProviderUnavailable:
                continue
            except (KeyReused, RequestRejected):
                return
            else:
                return

    async def call_once(self, request: ChargeRequest | RefundRequest | BookingRequest | str) -> None:
        match request:
            case ChargeRequest():
                answer = await self.sandbox.charge(request)
                assert self.answers.setdefault(request.key, answer) == answer
            case RefundRequest():
                await self.sandbox.refund(request)
            case BookingRequest():
                booked: BookingAnswer = await self.sandbox.book(request)
                assert booked.accepted is (request.key not in self.released)
            case str():
                await self.sandbox.release(request)
                self.released.add(request)


@given(
    history=st.lists(charges | refunds | bookings | releases, max_size=40),
    failure_rate=st.sampled_from([0.0, 0.5]),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60, deadline=None)
def test_no_history_takes_money_twice_or_pays_back_more_than_was_taken(
    history: list[ChargeRequest | RefundRequest | BookingRequest | str], failure_rate: float, seed: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log = CallLog(Path(folder) / "sandbox.sqlite")
        shop = Shop(Sandbox(SandboxRules(failure_rate=failure_rate), log, chance=random.Random(seed)))

        async def run() -> None:
            for request in history:
                await shop.call(request)

        asyncio.run(run())
        taken_minor = {
            call.entry.key: CHARGE.read_body(call.entry.key, call.entry.request).amount_minor
            for call in effects(log, "charge")
            if '"succeeded":true' in (call.entry.answer or "")
        }
        assert len(effects(log, "charge")) == len(shop.answers)
        for key in {each.charge_key for each in history if isinstance(each, RefundRequest)}:
            paid_back = [REFUND.read_body("", request).amount_minor for request in log.refunds_of(key)]
            assert sum(paid_back) <= taken_minor.get(key, 0)
        log.close()
