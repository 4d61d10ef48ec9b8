"""Everything that can be set from outside: read once from the environment, checked, documented.

Each field's variable is its name in capitals behind `OMS_`. `docs/reference/settings.md` is generated from this class.
"""

import hashlib
import ipaddress
import os
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, FilePath, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX: Final = "OMS_"
PROJECT_DIR: Final = Path(__file__).resolve().parents[2]

Share = Annotated[float, Field(ge=0, le=1)]

HostName = Annotated[str, Field(pattern=r"^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$")]


_RATE: Final = re.compile(r"\s*[1-9]\d{0,5}/(second|minute|hour|day)\s*")

_SECRET: Final = frozenset(
    {"OMS_DATABASE_URL", "OMS_MIGRATION_DATABASE_URL", "OMS_OPENID_CLIENT_SECRET", "OMS_REDIS_URL"}
)
"""Values that hold passwords and are never shown."""


LEASE_PER_PROVIDER_TIMEOUT: Final = 2.5
"""Two calls in a row, invoice and charge, and time to write before, between and after them."""


class CannotStart(Exception):
    """Why a command cannot start and how to mend it, in one or two lines meant for the person at the terminal."""


class SettingsInvalid(CannotStart):
    """The environment asks for something impossible; one line per setting says what."""


def default_data_dir() -> Path:
    """`.oms` in the project, unless root runs it where no other user may enter (a home with mode 0700).

    PostgreSQL refuses to run as root, so its own user has to reach the folder.
    """
    inside = PROJECT_DIR / ".oms"
    if os.geteuid() != 0 or all(parent.stat().st_mode & stat.S_IXOTH for parent in inside.parents):
        return inside
    return Path("/var/lib") / f"oms-{hashlib.sha256(bytes(PROJECT_DIR)).hexdigest()[:8]}"


class Settings(BaseSettings):
    """The settings of one process. Units stand at the end of names: `_s`, `_ms`, `_minor`, `_bps`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    # where it listens and keeps things
    host: str = Field(default="127.0.0.1", description="Address the web server listens on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port the web server listens on; 0 takes a free one.")
    allowed_hosts: Annotated[tuple[HostName, ...], NoDecode] = Field(
        default=(),
        description=(
            "Names by which browsers and clients reach the server, in small letters, without ports, separated by "
            "commas, such as `orders.example.com`. Besides these it answers to `localhost` and to addresses only."
        ),
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description=(
            "Folder of the embedded PostgreSQL and Valkey, which also tells other commands where they run. "
            "Default: `.oms` in the project, or, for root where the database's user could not enter that, "
            "`/var/lib/oms-…`."
        ),
    )
    database_url: str | None = Field(
        default=None,
        description="PostgreSQL to use, as `postgresql://user:password@host/name`. Unset: the embedded one.",
    )
    migration_database_url: str | None = Field(
        default=None,
        description=(
            "The same database as its owner, whom only `migrate`, `run` and `backup` act as: "
            "[deployment.md](../guides/deployment.md#two-database-roles). "
            "Unset: as OMS_DATABASE_URL, or the embedded one's owner."
        ),
    )
    redis_url: str | None = Field(
        default=None,
        description="Redis or Valkey to use, as `redis://:password@host/0`. Unset: the embedded Valkey.",
    )
    backup_dir: Path | None = Field(
        default=None,
        description=(
            "Folder of the embedded PostgreSQL's backups, best on another disk: every change is archived there, and "
            "`backup` puts its copies there. Unset: nothing is."
        ),
    )
    database_pool_size: int = Field(
        default=10, ge=1, le=200, description="Connections to PostgreSQL that one process keeps at most."
    )
    database_timeout_s: float = Field(
        default=30,
        gt=0,
        le=3600,
        description=(
            "Seconds after which a statement without an answer counts as lost with its connection, and after which "
            "PostgreSQL ends a transaction in which nothing is asked, e.g. of a process that stands still. As a whole "
            "a transaction may take three times as long."
        ),
    )

    # processes
    web_processes: int = Field(default=1, ge=1, le=64, description="Web processes that `run` starts.")
    worker_processes: int = Field(default=1, ge=0, le=64, description="Worker processes that `run` starts.")
    queues: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Queues that a worker serves, separated by commas (docs/reference/work.md). Unset: all of them.",
    )
    work_batch: int = Field(default=100, ge=1, le=1000, description="Due items a worker claims at once.")
    work_lease_s: float = Field(
        default=30,
        gt=0,
        le=3600,
        description=(
            "Seconds after which a claimed item may be claimed by another. "
            "At least two and a half times `OMS_PROVIDER_TIMEOUT_S`."
        ),
    )
    work_attempts: int = Field(
        default=12, ge=1, le=100, description="Attempts after which an item is parked for support to look at."
    )

    # how much is answered
    machine_requests_per_s: int = Field(
        default=5000, ge=0, description="Requests a second that each token may send; 0: as many as it likes."
    )
    person_requests_per_s: int = Field(
        default=50, ge=0, description="Requests a second from each account that is signed in; 0: any number."
    )
    machine_cost_per_s: int = Field(
        default=1_000_000,
        ge=0,
        description="Cost (as `extensions.cost` tells it) that each token may spend a second; 0: any amount.",
    )
    person_cost_per_s: int = Field(
        default=100_000, ge=0, description="Cost a second from each account that is signed in; 0: any amount."
    )
    stranger_requests_per_s: int = Field(
        default=50,
        ge=0,
        description="Requests a second without credentials, or with bad ones, from each address; 0: any number.",
    )
    sign_in_rate: str = Field(
        default="5/minute; 20/hour",
        description="Tries to sign in with a password for each login; several rates hold together.",
    )
    sign_in_rate_from_address: str = Field(
        default="30/minute; 200/hour",
        description="Tries to sign in with a password from each address, whatever the login.",
    )
    machine_subscriptions: int = Field(
        default=5000, ge=1, description="Subscriptions that each token may have open in one web process."
    )
    person_subscriptions: int = Field(
        default=50,
        ge=1,
        description="Subscriptions and live pages that each account may have open in one web process.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description=(
            "Addresses or networks of the proxies in front, separated by commas: of requests that come from there, "
            "`X-Forwarded-For` and `X-Forwarded-Proto` are believed. Unset: nobody's are."
        ),
    )

    # people who sign in
    session_idle_s: int = Field(
        default=28_800,
        ge=300,
        description=(
            "Seconds without use after which a session ends; the default, 8 h, is a shift. "
            "An open page that keeps itself up to date is no use."
        ),
    )
    session_days: int = Field(
        default=1, ge=1, le=365, description="Days after which a session ends, however much it is used."
    )
    breached_passwords_file: FilePath | None = Field(
        default=None,
        description=(
            "File of breached passwords, none of which can be chosen: lines of `SHA-1:count` by hash, as the Pwned "
            "Passwords download has them. Unset: common passwords are refused, breached ones are not known."
        ),
    )

    # business
    amendment_timeout_s: int = Field(
        default=86_400,
        ge=1,
        description="Seconds a customer has to answer an amended order. `run` sets 120 unless this is set.",
    )
    demo: bool = Field(
        default=False,
        description="Whether anybody may sign in as a demo persona. `run` turns it on unless this is set.",
    )
    default_payment_method: str = Field(
        default="sandbox-ok",
        min_length=1,
        max_length=100,
        description="Payment method of orders that give none, as the billing system knows it.",
    )
    currency: str = Field(
        default="USD", pattern="^[A-Z]{3}$", description="Default currency of the catalogue, ISO 4217."
    )

    # signing in at a provider of OpenID Connect
    openid_issuer: str | None = Field(
        default=None,
        description=(
            "Provider at which people may sign in, by the issuer's URL as it names itself; https, but in demo mode or "
            "on this machine: [deployment.md](../guides/deployment.md#signing-in-at-a-provider). "
            "Unset: with a password only."
        ),
    )
    openid_client_id: str | None = Field(
        default=None, validate_default=True, description="What this system is registered as at the provider."
    )
    openid_client_secret: SecretStr | None = Field(
        default=None, description="The secret that goes with it. Unset: a public client, by PKCE alone."
    )
    openid_name: str = Field(
        default="your organisation",
        min_length=1,
        max_length=60,
        description="What people call the provider; the button says `Sign in with …`.",
    )

    # log
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severe event that is logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="How events are written; `auto` is `console` in a terminal, else `json`."
    )

    # billing and courier
    providers_url: str | None = Field(
        default=None,
        pattern="^https?://",
        description="Base URL of the billing and courier service. Unset: the sandbox inside the worker.",
    )
    provider_timeout_s: float = Field(
        default=10,
        gt=0,
        le=300,
        validate_default=True,
        description=(
            "Seconds after which a call to billing or courier, tried up to three times within them, counts as unknown. "
            "One claim may make two calls in a row, invoice and charge, and then writes what came of them: so it is at "
            "most two fifths of `OMS_WORK_LEASE_S`, or another worker would take over from one that still waits."
        ),
    )
    sandbox_port: int = Field(
        default=8001,
        ge=0,
        le=65535,
        description="Port of `sandbox`, the sandbox as a service; 0 takes a free one.",
    )
    sandbox_latency_ms: int = Field(
        default=0, ge=0, le=60_000, description="Milliseconds the sandbox waits before it answers."
    )
    sandbox_failure_rate: Share = Field(
        default=0, description="Share of sandbox calls without an answer, half of them after taking effect."
    )
    sandbox_decline_rate: Share = Field(default=0, description="Share of charges that the sandbox declines.")
    sandbox_refusal_rate: Share = Field(
        default=0, description="Share of bookings that the sandbox's courier refuses for good."
    )
    sandbox_tax_bps: int = Field(
        default=2000,
        ge=0,
        le=10_000,
        description="Tax in basis points for products without their own; 2000 is 20 %.",
    )
    sandbox_shipping_base_minor: int = Field(
        default=500, ge=0, description="Shipping of each shipment, in minor units."
    )
    sandbox_shipping_per_unit_minor: int = Field(
        default=50, ge=0, description="Shipping added for each unit, in minor units."
    )

    @field_validator("openid_issuer")
    @classmethod
    def _private_issuer(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not is_private_way(value, demo=info.data.get("demo", False)):
            raise ValueError("must begin with https://")
        return value

    @field_validator("openid_client_id")
    @classmethod
    def _client_of_issuer(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("openid_issuer"):
            raise ValueError("must be set with OMS_OPENID_ISSUER")
        return value

    @field_validator("sign_in_rate", "sign_in_rate_from_address")
    @classmethod
    def _rates(cls, value: str) -> str:
        if not all(_RATE.fullmatch(rate) for rate in value.split(";")):
            raise ValueError("must be rates like `5/minute; 20/hour`, per second, minute, hour or day")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in value:
            ipaddress.ip_network(proxy)
        return value

    @field_validator("allowed_hosts", "queues", "trusted_proxies", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("data_dir", "backup_dir")
    @classmethod
    def _from_project(cls, value: Path | None) -> Path | None:
        return (PROJECT_DIR / value.expanduser()).resolve() if value else None

    @field_validator("provider_timeout_s")
    @classmethod
    def _within_the_lease(cls, value: float, info: ValidationInfo) -> float:
        lease_s = info.data.get("work_lease_s")
        if lease_s is not None and value * LEASE_PER_PROVIDER_TIMEOUT > lease_s:
            most_s = lease_s / LEASE_PER_PROVIDER_TIMEOUT
            raise ValueError(f"must be at most {most_s:g} with OMS_WORK_LEASE_S at {lease_s:g}; or raise that")
        return value

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _name_the_driver(cls, value: str | None) -> str | None:
        """Every spelling becomes the one with our driver: SQLAlchemy takes a bare one to mean psycopg."""
        if value is None:
            return None
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in ("postgres", "postgresql", "postgresql+asyncpg"):
            raise ValueError("must begin with postgresql://")
        return f"postgresql+asyncpg://{rest}"

    @field_validator("redis_url")
    @classmethod
    def _known_scheme(cls, value: str | None) -> str | None:
        if value is not None and not value.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return value


def is_private_way(url: str, *, demo: bool) -> bool:
    """Whether secrets may be sent there: over TLS, and without it on this machine or in demo mode."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and (demo or parts.hostname in ("localhost", "127.0.0.1", "::1"))


def load_settings(**given: Any) -> Settings:
    """Read the environment; what is `given` wins over it.

    Raises: SettingsInvalid, with one line for each setting that cannot be used.
    """
    try:
        return Settings(**given)
    except ValidationError as problem:
        raise SettingsInvalid("\n".join(_complaints(problem))) from problem


def _complaints(problem: ValidationError) -> Iterator[str]:
    for error in problem.errors():
        name = variable(str(error["loc"][0]))
        message = error["msg"].removeprefix("Value error, ")
        given = "" if name in _SECRET else f" is {error['input']!r}"
        yield f"{name}{given}: {message[:1].lower()}{message[1:]}."


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like settings but are none: most likely misspelt, so worth a warning."""
    known = {variable(field) for field in Settings.model_fields}
    return sorted(
        name
        for name in environment
        if name.startswith(PREFIX) and not name.startswith("OMS_TEST_") and name not in known
    )
