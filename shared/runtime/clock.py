"""The only place that asks the system clock, so that everything else takes ``now`` as an argument."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present instant as an aware datetime in UTC."""
    return datetime.now(UTC)
