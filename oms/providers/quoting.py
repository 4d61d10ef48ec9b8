"""Chooses what tells prices in a web process."""

from typing import Final

from oms.platform.settings import Settings
from oms.providers.ports import QuotingSystem
from oms.providers.sandbox.from_settings import sandbox_rules
from oms.providers.sandbox.quotes import SandboxQuotes

TIMEOUT_S: Final = 2.0
"""A person waits for a quote, and an order can be placed without one."""

_CONNECTIONS: Final = 10


def quoting(settings: Settings) -> QuotingSystem:
    """The service at OMS_PROVIDERS_URL; if unset, the sandbox's rules. The caller closes it."""
    if not settings.providers_url:
        return SandboxQuotes(sandbox_rules(settings))

    from oms.providers.http import HttpProviders  # noqa: PLC0415 - its imports take memory in each web process

    timeout_s = min(settings.provider_timeout_s, TIMEOUT_S)
    return HttpProviders(settings.providers_url, timeout_s=timeout_s, connections=_CONNECTIONS)
