"""A log line is one JSON object with the agreed keys and without personal numbers."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from shared.runtime.logs import JsonLines, configure_logging
from shared.runtime.tracing import span_from

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging("intake", "INFO", stream=stream)
    yield stream
    logging.captureWarnings(capture=False)
    root.handlers[:] = handlers
    root.setLevel(level)


log = logging.getLogger("services.intake")


def only_line(stream: io.StringIO) -> dict[str, Any]:
    (line,) = stream.getvalue().splitlines()
    parsed: dict[str, Any] = json.loads(line)
    return parsed


def test_a_line_has_the_agreed_keys(lines: io.StringIO) -> None:
    with span_from(TRACEPARENT, "POST /v1/reports"):
        log.info("a case was opened", extra={"event.name": "case.opened", "case_id": "0f8fad5b", "count": 3})
    line = only_line(lines)
    assert line.pop("timestamp").endswith("+00:00")
    assert line == {
        "severity_text": "INFO",
        "body": "a case was opened",
        "event.name": "case.opened",
        "service.name": "intake",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "span_id": "00f067aa0ba902b7",
        "logger": "services.intake",
        "case_id": "0f8fad5b",
        "count": 3,
    }


def test_the_time_has_microseconds(lines: io.StringIO) -> None:
    log.info("now")
    assert len(only_line(lines)["timestamp"]) == len("2026-11-21T08:00:00.000000+00:00")


def test_a_line_without_a_span_has_no_trace_id(lines: io.StringIO) -> None:
    log.info("alone")
    assert "trace_id" not in only_line(lines)


def call(number: str) -> None:
    raise ValueError(f"cannot call {number}")


def test_personal_numbers_are_masked_wherever_they_stand(lines: io.StringIO) -> None:
    try:
        call("13800138000")
    except ValueError:
        log.exception(
            "caller %s",
            "13800138000",
            extra={
                "phone": "138 0013 8000",
                "number": 13800138000,
                "deep": {"a": [{"b": "云A12345"}]},
                "other": object,
            },
        )
    text = lines.getvalue()
    assert "13800138000" not in text
    assert "0013" not in text
    assert "12345" not in text
    line = only_line(lines)
    assert line["exception.type"] == "builtins.ValueError"
    assert "test_logs.py" in line["exception.stacktrace"]


def test_a_line_break_in_a_text_makes_no_second_line(lines: io.StringIO) -> None:
    log.info('first\n{"severity_text": "FATAL"}')
    assert only_line(lines)["body"].startswith("first\n")


def test_a_wrong_format_is_logged_all_the_same() -> None:
    record = logging.LogRecord("x", logging.INFO, __file__, 1, "%d cases", ("three",), None)
    assert json.loads(JsonLines("intake").format(record))["body"] == "%d cases ('three',)"


def test_half_a_surrogate_pair_does_not_stop_the_stream(lines: io.StringIO) -> None:
    log.info("broken \ud800 text")
    lines.getvalue().encode()
    assert only_line(lines)["severity_text"] == "INFO"


def test_an_extra_cannot_replace_an_agreed_key(lines: io.StringIO) -> None:
    log.info("true", extra={"body": "false", "severity_text": "FATAL", "timestamp": "never"})
    line = only_line(lines)
    assert (line["body"], line["severity_text"]) == ("true", "INFO")
    assert line["timestamp"] != "never"


def test_a_number_that_is_no_number_becomes_text(lines: io.StringIO) -> None:
    log.info("ratio", extra={"ratio": float("nan")})
    assert only_line(lines)["ratio"] == "nan"


def test_an_unknown_level_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'LOUD', allowed: .*INFO"):
        configure_logging("intake", "LOUD")
