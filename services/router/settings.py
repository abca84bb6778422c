"""The environment as one frozen value."""

from datetime import timedelta

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where everything is; see the README for each name's meaning."""

    model_config = SettingsConfigDict(env_prefix="WHISTLE_", frozen=True, extra="ignore")

    kafka: str
    instance: str = "router-0"
    ops_host: str = "127.0.0.1"
    ops_port: int = Field(default=9082, ge=0, le=65535)
    log_level: str = "INFO"
    traces: str = "off"
    batch_records: PositiveInt = 1000
    """Records that are routed and committed together at most."""
    session: timedelta = timedelta(seconds=30)
    """How long the group waits for a member that is gone before others take its partitions."""
    max_rejected_ratio: float = Field(default=0.5, ge=0, le=1)
    """Of the last 1000 records of a partition at most this share may be set aside; 0 is no limit."""
    max_rejected_in_a_row: int = Field(default=100, ge=0)
    """Records of a partition that may be set aside one after another; 0 is no limit."""
    playbook_wait_seconds: PositiveFloat = 30.0
    """How long a case waits for a playbook of its county before it is set aside as a dead letter."""
    playbooks_in_use: PositiveInt = 64
    """Counties whose playbook is kept ready at most; others wait packed and are read again when used."""
    decisions_bytes: PositiveInt = 64 * 1024 * 1024
    """Decisions that are kept to be repeated for cases alike hold so many bytes together, about."""
