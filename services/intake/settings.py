"""The environment as one frozen value."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, NonNegativeInt, PositiveInt, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.intake.api.limits import parsed
from shared.runtime.oidc import OidcSettings


class Settings(BaseSettings):
    """Where everything is; see the README for each name's meaning."""

    model_config = SettingsConfigDict(env_prefix="WHISTLE_", frozen=True, extra="ignore")

    kafka: str
    postgres: str
    keys_file: Path
    secret_key: SecretStr
    oidc: OidcSettings = Field(default_factory=OidcSettings)
    """Whose signed tokens are good beside the keys of ``keys_file``; see ``WHISTLE_OIDC_ISSUERS``."""
    instance: str = "intake-0"
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8081, ge=0, le=65535)
    ops_host: str = "127.0.0.1"
    ops_port: int = Field(default=9081, ge=0, le=65535)
    log_level: str = "INFO"
    traces: str = "off"
    batch_records: PositiveInt = 500
    """Records of orders, escalations and inbound reports that one transaction takes at most."""
    max_rejected_ratio: float = Field(default=0.5, ge=0, le=1)
    """Of the last 1000 records of a partition at most this share may be set aside; 0 is no limit."""
    max_rejected_in_a_row: int = Field(default=100, ge=0)
    """Records of a partition that may be set aside one after another; 0 is no limit."""
    pool: PositiveInt = 16
    """PostgreSQL connections at most; each request that writes holds one."""
    together: PositiveInt = 200
    """Reports that one transaction keeps at most, and likewise actions."""
    transactions: PositiveInt = 2
    """Such transactions open at a time."""
    blobs: str = ""
    """Where photos lie, ``file:///folder`` or ``s3://bucket?endpoint=https://host``; empty: none are taken."""
    playbooks_in_use: PositiveInt = 64
    """Counties whose playbook is kept ready at most; others wait packed and are read again when used."""
    models: Path | None = None
    """A folder of ``<county>.skops`` that `whistle classify train` wrote; none: words alone say what a report is."""
    audit_days: PositiveInt = 3650
    """How long the audit's entries are kept; the marks of their blocks stay for ever."""
    canary_county: str = ""
    """Whose canary is sent: a county's code; empty is the first one known, ``off`` sends none."""
    canary_seconds: int = Field(default=60, ge=1, le=3600)
    """From one canary to the next."""
    public: str = Field(default="", pattern=r"^([0-9]{6})?$")
    """The county whose residents report without a key, by the form at `/report/`; empty: nobody does."""
    read_url: str = Field(default="", pattern=r"^(https?://[^/\s]+)?$")
    """Where the notifier's public endpoints are, as a browser reaches them; empty: at this address (a gateway)."""
    rate_key: str = "1000/second"
    """Requests of one API key at one replica; ``off`` is no limit."""
    rate_source: str = "2000/second"
    """Single reports of one source of one county at one replica."""
    rate_address: str = "30/minute"
    """Requests of one address at the public door of one replica."""
    rate_proxies: NonNegativeInt = 0
    """Proxies of ours in front, whose ``X-Forwarded-For`` says who asks; 0 believes none."""

    @field_validator("models", mode="before")
    @classmethod
    def _empty_is_no_folder(cls, told: object) -> object:
        # Path("") would be the folder that the process happens to stand in.
        return told or None

    @field_validator("rate_key", "rate_source", "rate_address")
    @classmethod
    def _is_a_rate(cls, text: str) -> str:
        parsed(text)
        return text
