"""Chooses the providers of this process: its own sandbox, or a service over HTTP."""

from dataclasses import dataclass
from typing import Final

from oms.platform.settings import Settings
from oms.providers.http import HttpProviders
from oms.providers.ports import BillingSystem, CourierSystem
from oms.providers.sandbox.call_log import CallLog
from oms.providers.sandbox.rules import SandboxRules
from oms.providers.sandbox.sandbox import Sandbox

SANDBOX_FILE: Final = "sandbox.sqlite"


@dataclass(frozen=True, slots=True)
class Providers:
    """The systems that a worker calls. No call takes longer than OMS_PROVIDER_TIMEOUT_S."""

    billing: BillingSystem
    courier: CourierSystem
    _open: Sandbox | HttpProviders

    async def aclose(self) -> None:
        await self._open.aclose()


def providers(settings: Settings) -> Providers:
    """The service at OMS_PROVIDERS_URL; if unset, a sandbox in this process. The caller closes them."""
    chosen: Sandbox | HttpProviders
    if settings.providers_url:
        chosen = HttpProviders(settings.providers_url, timeout_s=settings.provider_timeout_s)
    else:
        chosen = Sandbox(sandbox_rules(settings), call_log(settings), timeout_s=settings.provider_timeout_s)
    return Providers(billing=chosen, courier=chosen, _open=chosen)


def call_log(settings: Settings) -> CallLog:
    """The sandbox's storage, shared by all processes of one data folder."""
    return CallLog(settings.data_dir / SANDBOX_FILE)


def sandbox_rules(settings: Settings) -> SandboxRules:
    return SandboxRules(
        tax_bps=settings.sandbox_tax_bps,
        shipping_base_minor=settings.sandbox_shipping_base_minor,
        shipping_per_unit_minor=settings.sandbox_shipping_per_unit_minor,
        decline_rate=settings.sandbox_decline_rate,
        refusal_rate=settings.sandbox_refusal_rate,
        failure_rate=settings.sandbox_failure_rate,
        latency_ms=settings.sandbox_latency_ms,
    )
