"""The shop's settings: what holds, and what managers have chosen of it."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from oms.domain.pictures.model import PictureType
from oms.domain.vocabulary.errors import InputReason, Problem
from oms.domain.vocabulary.money import check_currency
from oms.domain.vocabulary.texts.checks import check_name
from oms.domain.vocabulary.wording import wording

NAME_LENGTH: Final = 40
LOGO_BYTES: Final = 100_000
MIN_DEADLINE: Final = timedelta(minutes=1)
MAX_DEADLINE: Final = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class LogoRef:
    """Which logo; its bytes are read apart."""

    type: PictureType
    digest: str


@dataclass(frozen=True, slots=True)
class Shop:
    """What holds. `time_zone`: a name of the IANA database; None: each reader's own."""

    name: str
    time_zone: str | None
    currency: str
    answer_within: timedelta
    logo: LogoRef | None = None


class ProviderMode(StrEnum):
    """What charges customers and carries parcels."""

    SANDBOX = "SANDBOX"
    SERVICE = "SERVICE"


@dataclass(frozen=True, slots=True)
class Providers:
    """Payment and courier, as the environment states them; only a sandbox's prices are known here.

    `host`: of the service, None for a sandbox. Tax in basis points and shipping in minor units, for each shipment and
    for each of its units.
    """

    mode: ProviderMode
    host: str | None = None
    default_tax_bps: int | None = None
    shipping_base_minor: int | None = None
    shipping_per_unit_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What managers have chosen; None: the default holds, as the environment states it."""

    name: str | None = None
    time_zone: str | None = None
    currency: str | None = None
    amendment_timeout_s: int | None = None

    def problems(self) -> Iterator[Problem]:
        """All but of the time zone, whose names are not known here."""
        if self.name is not None:
            yield from check_name(self.name, "name", max_length=NAME_LENGTH)
        if self.currency is not None:
            yield from check_currency(self.currency)
        seconds = self.amendment_timeout_s
        if seconds is not None and not MIN_DEADLINE <= timedelta(seconds=seconds) <= MAX_DEADLINE:
            message = wording("Customers have from 1 minute to 90 days to answer.")
            yield Problem(InputReason.OUT_OF_RANGE, message, ("amendmentTimeoutSeconds",))

    def different_from(self, other: "Choices") -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The values that differ, by name: of the other, and of these."""
        old, new = asdict(other), asdict(self)
        names = [name for name in new if new[name] != old[name]]
        return {name: old[name] for name in names}, {name: new[name] for name in names}


@dataclass(frozen=True, slots=True)
class ShopSettings:
    """The stored settings. `version`: 0 until somebody changes them, then it counts the changes."""

    choices: Choices = Choices()
    logo: LogoRef | None = None
    version: int = 0
    updated_at: datetime | None = None

    def over(self, default: Shop) -> Shop:
        """What holds: the choices, and the default where there is none."""
        chosen = self.choices
        seconds = chosen.amendment_timeout_s
        return Shop(
            name=chosen.name or default.name,
            time_zone=chosen.time_zone or default.time_zone,
            currency=chosen.currency or default.currency,
            answer_within=default.answer_within if seconds is None else timedelta(seconds=seconds),
            logo=self.logo,
        )
