"""The settings: read once from the environment, and validated.

The variable of a field is `OMS_` and the field's name in capitals. docs/reference/settings.md is generated from this
class.
"""

import hashlib
import ipaddress
import os
import re
import stat
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import Field, FilePath, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX: Final = "OMS_"
PROJECT_DIR: Final = Path(__file__).resolve().parents[2]

Share = Annotated[float, Field(ge=0, le=1)]

AMOUNTS: Final = r"^(\d{1,15}|\d{1,15} [A-Z]{3}(, ?\d{1,15} [A-Z]{3})*)$"
"""Minor units alone, or by currency."""

HostName = Annotated[str, Field(pattern=r"^[a-z0-9_]([a-z0-9_.-]{0,251}[a-z0-9_])?$")]


_RATE: Final = re.compile(r"\s*[1-9]\d{0,5}/(second|minute|hour|day)\s*")

_SECRET: Final = frozenset(
    {"OMS_DATABASE_URL", "OMS_MIGRATION_DATABASE_URL", "OMS_OPENID_CLIENT_SECRET", "OMS_REDIS_URL"}
)
"""Variables with passwords, whose values are never shown."""


LEASE_PER_PROVIDER_TIMEOUT: Final = 2.5
"""One lease covers two calls in a row, invoice and charge, and the writes before, between and after them."""


class CannotStart(Exception):
    """Why a command cannot start and what to do, in one or two lines for the operator."""


class SettingsInvalid(CannotStart):
    """Invalid settings, one line for each."""


def default_data_dir() -> Path:
    """`.oms` in the project, or a folder in /var/lib if root runs it and other users cannot enter the project.

    PostgreSQL refuses to run as root, so its own user must be able to enter the folder.
    """
    inside = PROJECT_DIR / ".oms"
    if os.geteuid() != 0 or all(parent.stat().st_mode & stat.S_IXOTH for parent in inside.parents):
        return inside
    return Path("/var/lib") / f"oms-{hashlib.sha256(bytes(PROJECT_DIR)).hexdigest()[:8]}"


class Settings(BaseSettings):
    """The settings of one process. Names end with their unit: `_s`, `_ms`, `_minor`, `_bps`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, frozen=True, extra="ignore")

    # addresses and storage
    host: str = Field(default="127.0.0.1", description="Address on which the web server listens.")
    port: int = Field(
        default=8000, ge=0, le=65535, description="Port on which the web server listens; 0: any free port."
    )
    allowed_hosts: Annotated[tuple[HostName, ...], NoDecode] = Field(
        default=(),
        description=(
            "Host names of the server in lower case, without ports, separated by commas, such as "
            "`orders.example.com`. It also accepts `localhost` and IP addresses, and no others."
        ),
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description=(
            "Folder of the embedded PostgreSQL and Valkey; other commands find them by it. Default: `.oms` in the "
            "project; for root, if the database's user cannot enter that, `/var/lib/oms-…`."
        ),
    )
    database_url: str | None = Field(
        default=None,
        description="URL of PostgreSQL, `postgresql://user:password@host/name`. Unset: the embedded one.",
    )
    migration_database_url: str | None = Field(
        default=None,
        description=(
            "URL of the same database for its owner. Only `migrate`, `run` and `backup` use it: "
            "[deployment.md](../guides/deployment.md#two-database-roles). "
            "Unset: OMS_DATABASE_URL, or the owner of the embedded one."
        ),
    )
    redis_url: str | None = Field(
        default=None,
        description="URL of Redis or Valkey, `redis://:password@host/0`. Unset: the embedded Valkey.",
    )
    backup_dir: Path | None = Field(
        default=None,
        description=(
            "Folder for backups of the embedded PostgreSQL, best on another disk: for its archive of changes and for "
            "the copies that `backup` makes. Unset: no archive."
        ),
    )
    database_pool_size: int = Field(
        default=10, ge=1, le=200, description="Maximum of connections to PostgreSQL in one process."
    )
    database_timeout_s: float = Field(
        default=30,
        gt=0,
        le=3600,
        description=(
            "Timeout in seconds of a statement, and of an idle transaction, which PostgreSQL ends. A whole transaction "
            "may take three times as long."
        ),
    )

    # processes
    run_as: str | None = Field(
        default=None,
        pattern=r"^[a-z_][a-z0-9_-]{0,31}$",
        description=(
            "User that web and worker processes become if root starts them; `root`: they stay root. Unset: `oms`, "
            "`www-data` or `nobody`, the first that exists and can read the program."
        ),
    )
    web_processes: int = Field(default=1, ge=1, le=64, description="Web processes that `run` starts.")
    worker_processes: int = Field(default=1, ge=0, le=64, description="Worker processes that `run` starts.")
    queues: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Queues that a worker serves, separated by commas (docs/reference/work.md). Unset: all of them.",
    )
    work_batch: int = Field(default=100, ge=1, le=1000, description="Due items that a worker claims at once.")
    work_lease_s: float = Field(
        default=30,
        gt=0,
        le=3600,
        description=(
            "Seconds after which another worker may claim an item. "
            "At least two and a half times `OMS_PROVIDER_TIMEOUT_S`."
        ),
    )
    work_attempts: int = Field(
        default=12, ge=1, le=100, description="Failed attempts after which an item is parked for support."
    )

    stop_timeout_s: float = Field(
        default=25,
        ge=10,
        le=3600,
        description=(
            "Seconds in which a worker ends after SIGTERM: it finishes what it can meanwhile, even if nothing answers. "
            "A web process ends within 15. Let the deployment wait longer before it kills."
        ),
    )

    # limits of callers
    machine_requests_per_s: int = Field(
        default=5000, ge=0, description="Requests per second of each token; 0: no limit."
    )
    person_requests_per_s: int = Field(
        default=50, ge=0, description="Requests per second of each signed-in account; 0: no limit."
    )
    machine_cost_per_s: int = Field(
        default=1_000_000,
        ge=0,
        description="Cost (see `extensions.cost`) per second of each token; 0: no limit.",
    )
    person_cost_per_s: int = Field(
        default=130_000, ge=0, description="Cost per second of each signed-in account; 0: no limit."
    )
    stranger_requests_per_s: int = Field(
        default=50,
        ge=0,
        description="Requests per second without valid credentials from each address; 0: no limit.",
    )
    sign_in_rate: str = Field(
        default="5/minute; 20/hour",
        description="Password sign-ins of each login; all listed rates apply.",
    )
    sign_in_rate_from_address: str = Field(
        default="30/minute; 200/hour",
        description="Password sign-ins from each address, for all logins together.",
    )
    machine_subscriptions: int = Field(
        default=5000, ge=1, description="Open subscriptions of each token in one web process."
    )
    person_subscriptions: int = Field(
        default=50,
        ge=1,
        description="Open subscriptions and live pages of each account in one web process.",
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description=(
            "Addresses or networks of trusted reverse proxies, separated by commas: the server uses `X-Forwarded-For` "
            "and `X-Forwarded-Proto` of their requests. Unset: of none."
        ),
    )

    # people who sign in
    session_idle_s: int = Field(
        default=28_800,
        ge=300,
        description=(
            "Seconds of inactivity after which a session ends; the default of 8 h is one shift. "
            "Automatic refreshes of an open page do not count as activity."
        ),
    )
    session_days: int = Field(default=1, ge=1, le=365, description="Days after which every session ends.")
    known_device_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description=(
            "Days for which a browser is known after its last sign-in with a password: its attempts are counted apart "
            "from those of others, and served first."
        ),
    )
    breached_passwords_file: FilePath | None = Field(
        default=None,
        description=(
            "File of breached passwords, which are refused: lines of `SHA-1:count` sorted by hash, as in the Pwned "
            "Passwords download. Unset: only common passwords are refused."
        ),
    )

    # reports of vulnerabilities
    security_contact: str | None = Field(
        default=None,
        pattern=r"^(mailto:|https://|tel:)\S+$",
        description="Contact in `/.well-known/security.txt`, such as `mailto:help@example.com`. Unset: no such page.",
    )
    security_contact_until: date | None = Field(
        default=None, validate_default=True, description="Day until which the contact is valid, such as `2027-06-30`."
    )

    # audit log
    audit_reads_share: Share = Field(
        default=1, description="Share of the reads of shipping addresses by managers and support that is recorded."
    )
    audit_address_days: int = Field(
        default=90, ge=1, le=3650, description="Days for which the audit log keeps network addresses."
    )
    audit_days: int = Field(
        default=0,
        ge=0,
        le=36_500,
        description="Days after which `audit remove-old` removes entries of the audit log; 0: they are kept for ever.",
    )

    # business
    amendment_timeout_s: int = Field(
        default=86_400,
        ge=1,
        description=(
            "Seconds that a customer has to answer an amended order, until a manager chooses another time on "
            "`/settings/shop`. Unset, `run` uses 120."
        ),
    )
    customer_order_lines: int = Field(
        default=200, ge=0, description="Lines of an order that a customer places; 0: 2,000, as for services."
    )
    customer_line_units: int = Field(
        default=10_000, ge=0, description="Units of a line that a customer orders; 0: 1,000,000, as for services."
    )
    customer_orders_per_minute: int = Field(
        default=300, ge=0, description="Orders that a customer may place in a minute; 0: no limit."
    )
    customer_open_orders: int = Field(
        default=1000, ge=0, description="Open orders, placed by the customer, of each customer; 0: no limit."
    )
    customer_unpaid_units: int = Field(
        default=10_000,
        ge=0,
        description=(
            "Units not charged yet in open orders that a customer placed, and those that such an order keeps while it "
            "waits for the customer's answer; 0: no limit."
        ),
    )
    customer_unpaid_minor: str = Field(
        default="10000000",
        pattern=AMOUNTS,
        description=(
            "The value of those units in minor units, by currency, such as `1000000 EUR, 5000000 BRL`; a number alone "
            "is in `OMS_CURRENCY`. 0, and in other currencies: no limit."
        ),
    )
    courier_sees_ended_days: int = Field(
        default=7, ge=0, le=3650, description="Days for which couriers see what was delivered; 0: for ever."
    )
    delivery_attempts: int = Field(
        default=3, ge=1, le=100, description="Attempts to deliver a shipment; after the last it can only fail."
    )
    courier_undo_s: int = Field(
        default=5,
        ge=0,
        le=30,
        description="Seconds in which a courier can undo a press before the page's script sends it; 0: sent at once.",
    )
    courier_failures_per_minute: int = Field(
        default=20, ge=0, description="Shipments that a courier may report as failed in a minute; 0: no limit."
    )
    second_person_refund_minor: str = Field(
        default="0",
        pattern=AMOUNTS,
        description=(
            "Refunds of at least so many minor units, by cancelling, failing or giving up, that staff start only with "
            "another person's confirmation, by currency, such as `10000 EUR, 50000 BRL`; a number alone is in "
            "`OMS_CURRENCY`. 0, and in other currencies: of no amount."
        ),
    )
    second_person_erasures: bool = Field(
        default=False, description="Whether erasing a customer on the pages needs another person's confirmation."
    )
    hold_service_orders: bool = Field(
        default=False,
        description=(
            "Whether an order that a service placed keeps at most `OMS_CUSTOMER_UNPAID_UNITS`, too, while it waits for "
            "its customer's answer."
        ),
    )
    demo: bool = Field(
        default=False,
        description="Whether anybody may sign in as a demo persona. Unset, `run` turns it on.",
    )
    demo_anywhere: bool = Field(
        default=False,
        description="Whether `run` may offer demo mode on an address that other machines reach.",
    )
    compiled_queries: bool = Field(
        default=True,
        description="Whether repeated GraphQL operations run by plans of their own; if false, Strawberry runs all.",
    )
    default_payment_method: str = Field(
        default="sandbox-ok",
        min_length=1,
        max_length=100,
        description="Payment method of orders without one, by its name in the billing system.",
    )
    currency: str = Field(
        default="USD",
        pattern="^[A-Z]{3}$",
        description=(
            "Default currency of the catalogue, ISO 4217, until a manager chooses another one on `/settings/shop`."
        ),
    )

    # OpenID Connect
    openid_issuer: str | None = Field(
        default=None,
        description=(
            "URL of the OpenID Connect issuer at which people may sign in; https is required except in demo mode or "
            "on this machine: [deployment.md](../guides/deployment.md#signing-in-at-a-provider). "
            "Unset: people sign in with a password only."
        ),
    )
    openid_client_id: str | None = Field(
        default=None, validate_default=True, description="Client id of this system at the provider."
    )
    openid_client_secret: SecretStr | None = Field(
        default=None, description="Client secret. Unset: a public client that uses only PKCE."
    )
    openid_name: str = Field(
        default="your organisation",
        min_length=1,
        max_length=60,
        description="Name of the provider on the button `Sign in with …`.",
    )

    # log
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Lowest level that is logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        default="auto", description="Format of the log; `auto` is `console` in a terminal, else `json`."
    )

    # billing and courier
    providers_url: str | None = Field(
        default=None,
        pattern="^https?://",
        description="Base URL of the billing and courier service. Unset: a sandbox in each worker.",
    )
    provider_timeout_s: float = Field(
        default=10,
        gt=0,
        le=300,
        validate_default=True,
        description=(
            "Timeout in seconds of a call to billing or courier, with up to three attempts. Afterwards its outcome is "
            "unknown. At most two fifths of `OMS_WORK_LEASE_S`: one claim may make two calls in a row and write "
            "their results, and must not lose its lease meanwhile."
        ),
    )
    sandbox_port: int = Field(
        default=8001,
        ge=0,
        le=65535,
        description="Port of the command `sandbox`, the sandbox as a service; 0: any free port.",
    )
    sandbox_latency_ms: int = Field(default=0, ge=0, le=60_000, description="Latency of the sandbox in milliseconds.")
    sandbox_failure_rate: Share = Field(
        default=0, description="Share of sandbox calls that fail, half of them after taking effect."
    )
    sandbox_decline_rate: Share = Field(default=0, description="Share of charges that the sandbox declines.")
    sandbox_refusal_rate: Share = Field(default=0, description="Share of bookings that the sandbox refuses for good.")
    sandbox_tax_bps: int = Field(
        default=2000,
        ge=0,
        le=10_000,
        description="Tax in basis points for products without their own; 2000 is 20 %.",
    )
    sandbox_shipping_base_minor: int = Field(
        default=500, ge=0, description="Shipping cost of each shipment, in minor units."
    )
    sandbox_shipping_per_unit_minor: int = Field(
        default=50, ge=0, description="Additional shipping cost of each unit, in minor units."
    )

    @field_validator("openid_issuer")
    @classmethod
    def _private_issuer(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is not None and not is_secure_url(value, demo=info.data.get("demo", False)):
            raise ValueError("must begin with https://")
        return value

    @field_validator("openid_client_id")
    @classmethod
    def _client_of_issuer(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and info.data.get("openid_issuer"):
            raise ValueError("must be set with OMS_OPENID_ISSUER")
        return value

    @field_validator("security_contact_until")
    @classmethod
    def _until_of_contact(cls, value: date | None, info: ValidationInfo) -> date | None:
        if value is None and info.data.get("security_contact"):
            raise ValueError("must be set with OMS_SECURITY_CONTACT")
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
            max_s = lease_s / LEASE_PER_PROVIDER_TIMEOUT
            raise ValueError(f"must be at most {max_s:g} with OMS_WORK_LEASE_S at {lease_s:g}; or raise that")
        return value

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _name_the_driver(cls, value: str | None) -> str | None:
        """Adds the driver's name to the URL; without it, SQLAlchemy would use psycopg."""
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


def is_secure_url(url: str, *, demo: bool) -> bool:
    """Whether secrets may be sent to it: over TLS, or to this machine, or in demo mode."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return bool(parts.hostname)
    return parts.scheme == "http" and (demo or parts.hostname in ("localhost", "127.0.0.1", "::1"))


def load_settings(**given: Any) -> Settings:
    """Reads the environment; `given` values take precedence.

    Raises: SettingsInvalid, with one line for each invalid setting.
    """
    try:
        return Settings(**given)
    except ValidationError as problem:
        raise SettingsInvalid("\n".join(_messages(problem))) from problem


def _messages(problem: ValidationError) -> Iterator[str]:
    for error in problem.errors():
        name = variable(str(error["loc"][0]))
        message = error["msg"].removeprefix("Value error, ")
        given = "" if name in _SECRET else f" is {error['input']!r}"
        yield f"{name}{given}: {message[:1].lower()}{message[1:]}."


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like settings but are not: probably misspelled, so worth a warning."""
    known = {variable(field) for field in Settings.model_fields}
    return sorted(
        name
        for name in environment
        if name.startswith(PREFIX) and not name.startswith("OMS_TEST_") and name not in known
    )
