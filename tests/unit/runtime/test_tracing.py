"""Traces go on across processes, are cheap when off, and carry no personal numbers."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, format_trace_id

from shared.runtime.telemetry import (
    configure_tracing,
    current_trace_id,
    current_traceparent,
    process_span,
    send_span,
    span_from,
)
from shared.runtime.tracing import MAX_LINKS, FileExporter, trace_into

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"

Finished = Callable[[], list[ReadableSpan]]


@pytest.fixture
def finished() -> Iterator[Finished]:
    exporter = InMemorySpanExporter()
    tracing = trace_into(exporter, service="router", instance="router-0")

    def spans() -> list[ReadableSpan]:
        tracing.flush()
        return list(exporter.get_finished_spans())

    yield spans
    tracing.shutdown()


def test_outside_of_every_span_there_is_no_traceparent() -> None:
    assert current_traceparent() is None
    assert current_trace_id() is None


def test_a_span_goes_on_from_a_traceparent(finished: Finished) -> None:
    with span_from(TRACEPARENT, "work"):
        assert current_trace_id() == TRACE_ID
        onward = current_traceparent()
    (span,) = finished()
    assert span.parent is not None
    assert span.parent.span_id == int("00f067aa0ba902b7", 16)
    assert onward is not None
    assert onward.startswith(f"00-{TRACE_ID}-")
    assert onward.endswith("-01")


def test_a_later_version_of_the_header_is_read_as_far_as_it_is_known(finished: Finished) -> None:
    with span_from(f"01{TRACEPARENT[2:]}-more", "work"):
        assert current_trace_id() == TRACE_ID
    assert len(finished()) == 1


def test_what_the_caller_does_not_sample_is_not_recorded(finished: Finished) -> None:
    with span_from(f"{TRACEPARENT[:-2]}00", "work"):
        assert current_traceparent() is not None
    assert finished() == []


def test_an_inner_span_is_the_child_of_the_outer_one(finished: Finished) -> None:
    with span_from(None, "outer") as outer, span_from(None, "inner"):
        pass
    inner = next(span for span in finished() if span.name == "inner")
    assert inner.parent == outer.get_span_context()


@pytest.mark.parametrize(
    "broken",
    (
        "",
        "00-0-0-0",
        "garbage",
        "ff-" + TRACEPARENT[3:],
        "00-" + "0" * 32 + "-" + "1" * 16 + "-01",
        f"{TRACEPARENT}-more",
        "00-",
    ),
)
def test_a_broken_traceparent_counts_as_none(finished: Finished, broken: str) -> None:
    with span_from(broken, "work"):
        assert current_trace_id() not in {None, "0" * 32, TRACE_ID}
    (span,) = finished()
    assert span.parent is None


def test_a_batch_links_to_every_message(finished: Finished) -> None:
    with process_span("whistle.case.v1", group="router", count=2, links=[TRACEPARENT, "garbage"], partition=3):
        pass
    (span,) = finished()
    assert span.parent is None
    assert [format_trace_id(link.context.trace_id) for link in span.links] == [TRACE_ID]


def test_the_links_of_a_batch_are_bounded(finished: Finished) -> None:
    with process_span("whistle.case.v1", group="router", count=5000, links=[TRACEPARENT] * 5000):
        pass
    assert len(finished()[0].links) == MAX_LINKS


def test_processing_one_message_goes_on_with_its_trace(finished: Finished) -> None:
    with process_span("whistle.case.v1", group="router", traceparent=TRACEPARENT, partition=3, offset=7):
        pass
    (span,) = finished()
    assert (span.name, span.kind) == ("process whistle.case.v1", SpanKind.CONSUMER)
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": "whistle.case.v1",
        "messaging.consumer.group.name": "router",
        "messaging.destination.partition.id": "3",
        "messaging.kafka.offset": 7,
    }


def test_sending_is_named_by_the_convention(finished: Finished) -> None:
    with send_span("whistle.case.v1", count=4, client_id="intake-0"):
        pass
    (span,) = finished()
    assert (span.name, span.kind) == ("send whistle.case.v1", SpanKind.PRODUCER)
    assert dict(span.attributes or {}) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "send",
        "messaging.operation.type": "send",
        "messaging.destination.name": "whistle.case.v1",
        "messaging.batch.message_count": 4,
        "messaging.client.id": "intake-0",
    }


def call_and_fail() -> None:
    with span_from(None, "work"):
        raise ValueError("cannot call 13800138000")


def test_a_failed_span_says_so_without_personal_numbers(finished: Finished) -> None:
    with pytest.raises(ValueError, match="cannot call"):
        call_and_fail()
    (span,) = finished()
    assert span.status.description == "cannot call 138****8000"
    (event,) = span.events
    assert "13800138000" not in str(dict(event.attributes or {}))
    assert (span.attributes or {})["error.type"] == "builtins.ValueError"


def test_with_tracing_off_the_trace_id_still_travels() -> None:
    configure_tracing("router", "router-0", "off")
    with span_from(TRACEPARENT, "work"):
        assert current_traceparent() == TRACEPARENT


def test_with_tracing_off_a_new_trace_has_an_id_that_asks_nobody_to_record() -> None:
    configure_tracing("router", "router-0", "")
    with span_from(None, "work") as span:
        traceparent = current_traceparent()
        with span_from(None, "inner"):
            assert current_traceparent() == traceparent
    assert traceparent is not None
    assert traceparent.endswith("-00")
    assert not span.is_recording()


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_a_file_gets_one_span_a_line(tmp_path: Path) -> None:
    path = tmp_path / "traces" / "spans.jsonl"
    tracing = configure_tracing("router", "router-1", str(path))
    with span_from(TRACEPARENT, "outer", SpanKind.SERVER, {"http.route": "/v1/reports"}), span_from(None, "inner"):
        pass
    tracing.shutdown()
    inner, outer = lines_of(path)
    assert (inner["name"], outer["name"], outer["kind"]) == ("inner", "outer", "SERVER")
    assert inner["parent_span_id"] == outer["span_id"]
    assert {inner["trace_id"], outer["trace_id"]} == {TRACE_ID}
    assert outer["service.name"] == "router"
    assert outer["service.instance.id"] == "router-1"
    assert outer["end_ns"] >= outer["start_ns"]


def test_a_file_is_only_readable_by_its_owner(tmp_path: Path) -> None:
    FileExporter(tmp_path / "spans.jsonl").shutdown()
    assert (tmp_path / "spans.jsonl").stat().st_mode & 0o077 == 0


def test_a_full_file_gets_no_more_and_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "spans.jsonl"
    tracing = trace_into(FileExporter(path, limit_bytes=1500), service="router", instance="router-0")
    for _ in range(5):
        with span_from(None, "work"):
            pass
        tracing.flush()
    tracing.shutdown()
    assert 0 < path.stat().st_size <= 1500
    assert [record.levelno for record in caplog.records if "no more spans" in record.message] == [logging.WARNING]
