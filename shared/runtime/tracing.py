"""Traces: OpenTelemetry spans to a collector or a file, or only the trace id when tracing is off.

The W3C ``traceparent`` travels through HTTP headers, the outbox row's headers and Kafka's record headers.
It travels with tracing off too, so that a log line of any service can still be matched with the report it came from.
"""

from __future__ import annotations

import json
import logging
import os
import re
import secrets
import threading
import traceback
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context, attach, detach
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import (
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)
from opentelemetry.util.types import AttributeValue

from shared.masking import mask

log = logging.getLogger(__name__)

Attributes = Mapping[str, AttributeValue]

MAX_LINKS: Final = 128
"""Links of one batch span; more would only make the span too big for its collector."""


class Tracing:
    """Where this process sends its spans; ``shutdown`` flushes what is still held."""

    def __init__(self, provider: TracerProvider | None) -> None:
        self._provider = provider

    def flush(self, timeout_seconds: float = 5.0) -> None:
        """Send every span that has ended; blocks for at most ``timeout_seconds``."""
        if self._provider is not None:
            self._provider.force_flush(int(timeout_seconds * 1000))

    def shutdown(self) -> None:
        """Flush and stop; later spans carry ids but go nowhere."""
        global _tracer  # noqa: PLW0603  one process has one tracer, as it has one root logger
        _tracer = None
        if self._provider is not None:
            self._provider.shutdown()


def configure_tracing(service: str, instance: str, target: str) -> Tracing:
    """Send the spans of this process to ``target``: ``off``, ``otlp`` (the OTEL_* variables say where) or a file path.

    A file gets one span a line as JSON, and several processes may share it.
    """
    match target.strip():
        case "" | "off":
            return trace_into(None, service=service, instance=instance)
        case "otlp":
            # Imported here: it costs every start a tenth of a second, and only a collector needs it.
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415

            return trace_into(OTLPSpanExporter(), service=service, instance=instance)
        case path:
            return trace_into(FileExporter(Path(path)), service=service, instance=instance)


def trace_into(exporter: SpanExporter | None, *, service: str, instance: str) -> Tracing:
    """Send the spans of this process to ``exporter``; None turns tracing off."""
    global _tracer  # noqa: PLW0603  see Tracing.shutdown
    if exporter is None:
        _tracer = None
        return Tracing(None)
    provider = TracerProvider(
        resource=Resource.create({"service.name": service, "service.instance.id": instance}),
        shutdown_on_exit=True,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=8192, schedule_delay_millis=500))
    _tracer = provider.get_tracer("whistle")
    return Tracing(provider)


def tracing_is_on() -> bool:
    """Say whether spans go anywhere: work that only makes them can be left out when they do not."""
    return _tracer is not None


def current_traceparent() -> str | None:
    """The W3C traceparent of the span that is open here, or None outside of every span."""
    return traceparent_of(trace.get_current_span())


def current_trace_id() -> str | None:
    """The trace id, 32 hex digits, of the span that is open here."""
    context = trace.get_current_span().get_span_context()
    return trace.format_trace_id(context.trace_id) if context.is_valid else None


def traceparent_of(span: Span) -> str | None:
    """The W3C traceparent that continues ``span`` elsewhere."""
    context = span.get_span_context()
    if not context.is_valid:
        return None
    ids = f"{trace.format_trace_id(context.trace_id)}-{trace.format_span_id(context.span_id)}"
    return f"00-{ids}-{context.trace_flags:02x}"


def span_from(
    traceparent: str | None,
    name: str,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Attributes | None = None,
    *,
    links: Iterable[str] = (),
) -> AbstractContextManager[Span]:
    """Open the span ``name``, which continues ``traceparent``, or else the open span, or else begins a trace.

    ``links`` are traceparents of the messages of a batch. A traceparent that cannot be read counts as None.
    An exception is noted on the span with its text masked, and goes on.
    """
    remote = _remote(traceparent)
    tracer = _tracer
    if tracer is None:
        span = _ids_only(remote)
    else:
        parent = None if remote is None else trace.set_span_in_context(NonRecordingSpan(remote), Context())
        span = tracer.start_span(name, parent, kind, attributes, _links(links))
    return _Open(span)


class _Open:
    """A span while it is the open one; a class, for a generator would cost each request as much as the rest."""

    __slots__ = ("_before", "_span")

    def __init__(self, span: Span) -> None:
        self._span = span

    def __enter__(self) -> Span:
        self._before = attach(trace.set_span_in_context(self._span))
        return self._span

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _where: TracebackType | None
    ) -> None:
        if isinstance(error, Exception):
            note_error(self._span, error)
        detach(self._before)
        self._span.end()


def note_error(span: Span, error: BaseException) -> None:
    """Mark ``span`` as failed by ``error``; personal numbers in its text are masked."""
    if not span.is_recording():
        return
    kind = f"{type(error).__module__}.{type(error).__qualname__}"
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR, mask(str(error))))
    span.add_event(
        "exception",
        {
            "exception.type": kind,
            "exception.message": mask(str(error)),
            "exception.stacktrace": mask("".join(traceback.format_exception(error))),
        },
    )


class FileExporter(SpanExporter):
    """Spans as JSON lines at the end of a file; one write a batch, so that processes may share the file.

    At ``limit_bytes`` it stops writing and says so once: a forgotten setting must not fill a disk.
    """

    def __init__(self, path: Path, *, limit_bytes: int = 1 << 30) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._path = path
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._full = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        lines = "".join(f"{json.dumps(_as_json(span), ensure_ascii=False)}\n" for span in spans).encode()
        with self._lock:
            if self._full or os.fstat(self._file).st_size + len(lines) > self._limit_bytes:
                self._say_full()
                return SpanExportResult.FAILURE
            os.write(self._file, lines)
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1
                self._full = True

    def _say_full(self) -> None:
        if not self._full:
            self._full = True
            log.warning("no more spans go to %s, it has reached %d bytes", self._path, self._limit_bytes)


_tracer: trace.Tracer | None = None
# A later version may add fields at the end; version ff is forbidden, and 00 has no more fields.
_TRACEPARENT: Final = re.compile("(?!ff|00.{53}-)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_UNSAMPLED: Final = TraceFlags(0)
_SPAN_BITS: Final = 2**64 - 1


def _remote(traceparent: str | None) -> SpanContext | None:
    """The remote span that ``traceparent`` names (W3C Trace Context, section 3.2), or None when it is unreadable."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None:
        return None
    trace_id, span_id, flags = int(match[1], 16), int(match[2], 16), TraceFlags(int(match[3], 16) & TraceFlags.SAMPLED)
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=flags)
    return context if context.is_valid else None


def _links(traceparents: Iterable[str]) -> list[Link]:
    remotes = (remote for traceparent in traceparents if (remote := _remote(traceparent)) is not None)
    return [Link(remote) for remote in islice(remotes, MAX_LINKS)]


def _ids_only(remote: SpanContext | None) -> Span:
    """A span that records nothing but has ids: the remote span's, the open one's, or else new ones."""
    context = remote or trace.get_current_span().get_span_context()
    if not context.is_valid:
        bits = secrets.randbits(128 + 64)
        trace_id, span_id = (bits >> 64) | 1, (bits & _SPAN_BITS) | 1
        context = SpanContext(trace_id, span_id, is_remote=False, trace_flags=_UNSAMPLED)
    return NonRecordingSpan(context)


def _as_json(span: ReadableSpan) -> dict[str, object]:
    context = span.get_span_context()
    return {
        "trace_id": trace.format_trace_id(context.trace_id) if context else None,
        "span_id": trace.format_span_id(context.span_id) if context else None,
        "parent_span_id": trace.format_span_id(span.parent.span_id) if span.parent else None,
        "name": span.name,
        "kind": span.kind.name,
        "start_ns": span.start_time,
        "end_ns": span.end_time,
        "status": span.status.status_code.name,
        "status_description": span.status.description,
        "attributes": dict(span.attributes or {}),
        "events": [{"name": event.name, "attributes": dict(event.attributes or {})} for event in span.events],
        "links": [
            {
                "trace_id": trace.format_trace_id(link.context.trace_id),
                "span_id": trace.format_span_id(link.context.span_id),
            }
            for link in span.links
        ],
        "service.name": span.resource.attributes.get("service.name"),
        "service.instance.id": span.resource.attributes.get("service.instance.id"),
    }
