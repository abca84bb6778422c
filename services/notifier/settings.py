"""The environment as one frozen value."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from services.notifier.api.door import parsed
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
    instance: str = "notifier-0"
    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8084, ge=0, le=65535)
    ops_host: str = "127.0.0.1"
    ops_port: int = Field(default=9084, ge=0, le=65535)
    log_level: str = "INFO"
    traces: str = "off"
    pool: PositiveInt = 16
    """PostgreSQL connections at most."""
    playbooks_in_use: PositiveInt = 64
    """Counties whose playbook is kept ready at most; others wait packed and are read again when used."""
    batch_records: PositiveInt = 500
    """Events that one transaction tells at most; they hold the feed's lock together."""
    max_rejected_ratio: float = Field(default=0.5, ge=0, le=1)
    """Of the last 1000 records of a partition at most this share may be set aside; 0 is no limit."""
    max_rejected_in_a_row: int = Field(default=100, ge=0)
    """Records of a partition that may be set aside one after another; 0 is no limit."""
    feed_hours: PositiveFloat = 7 * 24
    """How long a stream can be resumed from its last position; older ones get a resync."""
    feed_poll_seconds: PositiveFloat = 1.0
    """How often the feed is looked at without having been told of news."""
    delivery_days: PositiveFloat = 30
    """How long a finished webhook delivery can be looked at and replayed."""
    streams: PositiveInt = 1000
    """Open streams of this process at most."""
    streams_each: PositiveInt = 20
    """Open streams of one key at most."""
    stream_queue: PositiveInt = 1000
    """Events that may wait for one slow reader before it is cut off."""
    heartbeat_seconds: PositiveFloat = 5.0
    """A quiet stream says at this beat that it lives."""
    stream_write_seconds: PositiveFloat = 20.0
    """A reader that takes nothing for this long is cut off."""
    stop_seconds: PositiveFloat = 3.0
    """Over how long a stop spreads the ends of its streams, so that readers do not come back all at once."""
    subscriptions_each: PositiveInt = 50
    """Webhook subscriptions of one area or department at most."""
    webhook_private: bool = False
    """True lets webhooks go to http, any port and private addresses: one machine and tests only."""
    webhook_ports: str = "443,8443"
    """Ports that a webhook may go to."""
    webhook_workers: PositiveInt = 32
    """Webhooks on their way at a time, in this process."""
    webhook_each: PositiveInt = 4
    """Of these, to one subscription."""
    router: str | None = None
    """URL of the router's ops port, which answers what the rules would say; without it POST /v1/explain is 503."""
    rate_address: str = "120/minute"
    """How often one address may ask at the doors where nobody shows a key, as ``120/minute``; ``off`` is no limit."""
    rate_proxies: NonNegativeInt = 0
    """Proxies of ours in front, each of which adds whom it saw to ``X-Forwarded-For``; 0 believes no header."""
    public_streams: PositiveInt = 300
    """Of the open streams at most so many are of those who show no key."""
    public_origins: str = ""
    """Web addresses, separated by commas, whose pages may read what needs no key; none = pages of this host alone."""
    public_url: str | None = None
    """Where the outside reaches this service, as ``https://county.example.org``; absent = as each request came in."""
    intake_url: str | None = None
    """URL of intake, where Open311 requests are sent on to; without it they are told so."""
    blobs: str = ""
    """Where photos lie, ``file:///folder`` or ``s3://bucket?endpoint=https://host``, as intake's; empty: none."""
    lease_seconds: PositiveFloat = 60.0
    """How long a worker has for one webhook and its record; if it dies, another sends it again after this."""

    @field_validator("rate_address")
    @classmethod
    def _a_rate(cls, text: str) -> str:
        parsed(text)
        return text

    @property
    def origins(self) -> tuple[str, ...]:
        """``public_origins`` one by one."""
        return tuple(origin.strip().rstrip("/") for origin in self.public_origins.split(",") if origin.strip())

    @property
    def ports(self) -> frozenset[int]:
        """``webhook_ports`` as numbers."""
        return frozenset(int(port) for port in self.webhook_ports.split(",") if port.strip())
