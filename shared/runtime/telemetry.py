"""The door to logs and traces, and the spans of messaging by OpenTelemetry's conventions.

``configure_logging`` and ``configure_tracing`` are called once, by a service's ``app.py``. Everything else
only opens spans: ``span_from`` for one piece of work, ``send_span`` and ``process_span`` round batches.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager

from opentelemetry.trace import Span, SpanKind
from opentelemetry.util.types import AttributeValue

from shared.runtime.logs import configure_logging
from shared.runtime.tracing import (
    Tracing,
    configure_tracing,
    current_trace_id,
    current_traceparent,
    note_error,
    span_from,
    traceparent_of,
    tracing_is_on,
)

__all__ = [
    "SpanKind",
    "Tracing",
    "configure_logging",
    "configure_tracing",
    "current_trace_id",
    "current_traceparent",
    "note_error",
    "process_span",
    "send_span",
    "span_from",
    "traceparent_of",
    "tracing_is_on",
]


def send_span(
    topic: str, *, count: int = 1, traceparent: str | None = None, client_id: str = ""
) -> AbstractContextManager[Span]:
    """The span of sending ``count`` messages to ``topic`` (kind PRODUCER)."""
    return span_from(
        traceparent,
        f"send {topic}",
        SpanKind.PRODUCER,
        _messaging("send", "send", topic, count=count, client_id=client_id),
    )


def process_span(  # noqa: PLR0913  each is one attribute of the convention
    topic: str,
    *,
    group: str,
    count: int = 1,
    traceparent: str | None = None,
    links: Iterable[str] = (),
    partition: int | None = None,
    offset: int | None = None,
) -> AbstractContextManager[Span]:
    """The span of working on messages from ``topic`` (kind CONSUMER).

    For one message give its ``traceparent``: the trace goes on. For a batch give every message's as ``links``:
    a batch has many pasts and is the child of none.
    """
    attributes = _messaging("process", "process", topic, count=count, client_id="")
    attributes["messaging.consumer.group.name"] = group
    if partition is not None:
        attributes["messaging.destination.partition.id"] = str(partition)
    if offset is not None:
        attributes["messaging.kafka.offset"] = offset
    return span_from(traceparent, f"process {topic}", SpanKind.CONSUMER, attributes, links=links)


def _messaging(name: str, kind: str, topic: str, *, count: int, client_id: str) -> dict[str, AttributeValue]:
    attributes: dict[str, AttributeValue] = {
        "messaging.system": "kafka",
        "messaging.operation.name": name,
        "messaging.operation.type": kind,
        "messaging.destination.name": topic,
    }
    if count > 1:
        attributes["messaging.batch.message_count"] = count
    if client_id:
        attributes["messaging.client.id"] = client_id
    return attributes
