"""The options that every Kafka client of a service has in common."""

from __future__ import annotations

import pytest

from shared.runtime import kafka_client
from shared.runtime.kafka_client import RETRY_BACKOFF_MS, client_options


def test_a_client_pauses_and_proves_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_client, "client_security", lambda: {"security_protocol": "SSL"})
    assert client_options() == {"retry_backoff_ms": RETRY_BACKOFF_MS, "security_protocol": "SSL"}
