"""The environment as one frozen value."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where everything is and how long anything may take; see the README for each name's meaning."""

    model_config = SettingsConfigDict(env_prefix="WHISTLE_", frozen=True, extra="ignore")

    kafka: str
    postgres: str
    instance: str = "escalation-0"
    """Stable across restarts: the group knows the member by it, and a restart then causes no rebalance."""
    ops_host: str = "127.0.0.1"
    ops_port: int = Field(default=9083, ge=0, le=65535)
    log_level: str = "INFO"
    traces: str = "off"
    batch_records: PositiveInt = 1000
    """Records that one fold transaction takes at most."""
    max_rejected_ratio: float = Field(default=0.5, ge=0, le=1)
    """Of the last 1000 records of a partition at most this share may be set aside; 0 is no limit."""
    max_rejected_in_a_row: int = Field(default=100, ge=0)
    """Records of a partition that may be set aside one after another; 0 is no limit."""
    fire_most: int = Field(default=500, ge=1, le=2000)
    """Clocks that one firing transaction takes at most."""
    session: timedelta = timedelta(seconds=25)
    """How long the group waits for a member that is gone before others take its partitions."""
    stall: timedelta = timedelta(seconds=60)
    """Records wait and nothing is folded for so long: the process ends, to be started anew."""
    elsewhere: timedelta = timedelta(seconds=60)
    """A clock that is late by so much is fired by any replica, once all its partition's log is folded."""
    audit_pass: timedelta = Field(default=timedelta(hours=1), ge=timedelta())
    """In how long all cases' clocks are held against their facts; a pass takes longer rather than a tenth of a core."""
    keep_ended: timedelta = Field(default=timedelta(days=30), ge=timedelta(days=1))
    """How long an ended case and its clocks stay in the tables after the last that was told of it."""
    playbook_wait_seconds: PositiveFloat = 30.0
    """How long a start waits for the playbooks before it folds without; cases without one wait in the database."""
    playbooks_in_use: PositiveInt = 64
    """Counties whose playbook is kept ready at most; others wait packed and are read again when used."""
