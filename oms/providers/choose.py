"""Chooses the providers of this process: its own sandbox, or a service over HTTP."""

from dataclasses import dataclass

from oms.platform.settings import Settings
from oms.providers.http import HttpProviders
from oms.providers.ports import BillingSystem, CourierSystem
from oms.providers.sandbox.from_settings import call_log, sandbox_rules
from oms.providers.sandbox.sandbox import Sandbox


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
