"""What managers do with fraud control; every change is an event of the settings."""

from dataclasses import replace
from typing import Any

from oms.domain.access.permissions import Viewer, require
from oms.domain.audit.model import Entry
from oms.domain.audit.record import record
from oms.domain.concept.registry import registered
from oms.domain.fraud import store
from oms.domain.fraud.events import FraudEvent
from oms.domain.fraud.gate import MAINTENANCE
from oms.domain.fraud.model import FraudSettings
from oms.domain.fraud.policy import FraudAction, FraudPermission
from oms.domain.vocabulary.errors import InputReason, refuse_all, refused
from oms.domain.vocabulary.money import MAX_MINOR, check_currency
from oms.domain.vocabulary.texts.checks import REASON_LENGTH, check_text
from oms.domain.vocabulary.wording import wording
from oms.platform.db import Tx


async def set_spending_limit(tx: Tx, viewer: Viewer, limit_minor: int, currency: str) -> None:
    """What each customer may spend in this currency; 0 removes the limit. Raises Refused: FORBIDDEN, INVALID."""
    require(viewer, FraudPermission.SET_FRAUD)
    if not 0 <= limit_minor <= MAX_MINOR:
        message = wording("A limit is a number of minor units from 0 (none) to {max_minor}.", max_minor=MAX_MINOR)
        raise refused(InputReason.OUT_OF_RANGE, message, "limit")
    refuse_all(check_currency(currency))
    await _limit(tx, viewer, await _locked(tx), currency, limit_minor)


async def set_maintenance(tx: Tx, viewer: Viewer, *, enabled: bool) -> None:
    """While on, no new charge is made. Raises Refused(FORBIDDEN)."""
    require(viewer, FraudPermission.SET_FRAUD)
    await _maintenance(tx, viewer, await _locked(tx), enabled=enabled)


async def reset(tx: Tx, viewer: Viewer) -> None:
    """No limit in any currency and no maintenance; tallies are kept. Raises Refused(FORBIDDEN)."""
    require(viewer, FraudPermission.SET_FRAUD)
    settings = await _locked(tx)
    for currency in sorted(settings.limits):
        settings = await _limit(tx, viewer, settings, currency, 0)
    await _maintenance(tx, viewer, settings, enabled=False)


async def clear_spending(tx: Tx, viewer: Viewer, reason: str) -> None:
    """Starts a new spending period, in which every tally is zero. Raises Refused: FORBIDDEN, INVALID."""
    require(viewer, FraudPermission.SET_FRAUD)
    refuse_all(check_text(reason, "reason", max_length=REASON_LENGTH))
    old = await _locked(tx)
    new = replace(old, period=old.period + 1, updated_at=await tx.clock())
    await _change(
        tx, viewer, new, FraudEvent.SpendingCleared, reason=reason,
        before={"period": old.period}, after={"period": new.period},
    )  # fmt: skip


async def _locked(tx: Tx) -> FraudSettings:
    return await store.settings_to_change(tx)


async def _limit(tx: Tx, viewer: Viewer, old: FraudSettings, currency: str, limit_minor: int) -> FraudSettings:
    if old.limit_minor(currency) == limit_minor:
        return old
    limits = {**old.limits, currency: limit_minor}
    new = replace(old, limits={c: minor for c, minor in limits.items() if minor}, updated_at=await tx.clock())
    await _change(
        tx, viewer, new, FraudEvent.SpendingLimitSet, reason=None,
        before={"limit": old.limit_minor(currency), "currency": currency},
        after={"limit": limit_minor, "currency": currency},
    )  # fmt: skip
    return new


async def _maintenance(tx: Tx, viewer: Viewer, old: FraudSettings, *, enabled: bool) -> None:
    if old.maintenance == enabled:
        return
    new = replace(old, maintenance=enabled, updated_at=await tx.clock())
    await _change(
        tx, viewer, new, FraudEvent.MaintenanceSwitched, reason=None,
        before={"maintenance": old.maintenance}, after={"maintenance": enabled},
    )  # fmt: skip
    if not enabled:
        # What was held is due again at once.
        tx.changes.queues |= {kind.queue for kind in registered().work_kinds.values() if kind.gate is MAINTENANCE}


async def _change(
    tx: Tx, viewer: Viewer, new: FraudSettings, event: FraudEvent, *, reason: str | None, before: dict[str, Any],
    after: dict[str, Any],
) -> None:  # fmt: skip
    """Writes the settings and their event; the audit log refers to the event."""
    seq = await store.change_settings(tx, new, event, by=viewer.actor, reason=reason, before=before, after=after)
    await record(tx, viewer, Entry(FraudAction.FraudSettingsChanged, str(event), seq=seq))
