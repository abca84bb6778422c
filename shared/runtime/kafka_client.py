"""What every Kafka client of a service is given: how it proves itself, and how long it pauses before it tries again."""

from __future__ import annotations

from typing import Any, Final

from shared.runtime.kafka_tls import client_security

RETRY_BACKOFF_MS: Final = 500
"""While a broker is away each part of a client asks anew this often; at aiokafka's own 100 ms they do little else."""
MEMBER_BACKOFF_MS: Final = 100
"""A member of a group asks sooner: one that joins before its client has heard of a new topic is given nothing of it,
and aiokafka looks again only after five minutes."""


def client_options(*, retry_backoff_ms: int = RETRY_BACKOFF_MS) -> dict[str, Any]:
    """Return the options common to consumers, producers and administrators; each adds its own."""
    return {"retry_backoff_ms": retry_backoff_ms, **client_security()}
