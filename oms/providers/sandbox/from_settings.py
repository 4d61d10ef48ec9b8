"""The sandbox's log and rules as the settings say."""

from pathlib import Path
from typing import Final

from oms.platform.settings import Settings
from oms.providers.sandbox.call_log import CallLog
from oms.providers.sandbox.rules import SandboxRules

FILE_NAME: Final = "sandbox/sandbox.sqlite"
"""In a folder of its own, which belongs to the user that runs the workers."""


def call_log(settings: Settings) -> CallLog:
    """The sandbox's storage, shared by all processes of one data folder."""
    return CallLog(settings.data_dir / FILE_NAME)


def sandbox_folder(settings: Settings) -> Path:
    """Where workers write, beside logs and database."""
    return (settings.data_dir / FILE_NAME).parent


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
