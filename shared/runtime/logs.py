"""Logs: one JSON object a line on stdout, personal numbers masked, the trace id beside the words."""

from __future__ import annotations

import json
import logging
import math
import sys
import traceback
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TextIO

from opentelemetry import trace

from shared.masking import mask
from shared.runtime.seldom import Seldom


def configure_logging(service: str, level: str = "INFO", *, stream: TextIO | None = None) -> None:
    """Send every logger of the process through one JSON handler on ``stream`` (default stdout).

    A repeated call replaces the handler. Write ``log.info("…", extra={"event.name": "case.opened", "case_id": …})``;
    each extra becomes a key of the line.

    Raises:
        ValueError: when ``level`` is no level of the logging module; the message lists them.
    """
    names = logging.getLevelNamesMapping()
    if level.upper() not in names:
        raise ValueError(f"log level {level!r}, allowed: {', '.join(names)}")
    handler = logging.StreamHandler(stream or sys.stdout)
    handler.setFormatter(JsonLines(service))
    handler.addFilter(Seldom("aiokafka"))
    logging.basicConfig(handlers=[handler], level=names[level.upper()], force=True)
    logging.captureWarnings(capture=True)
    for talkative in _TALKATIVE:
        logging.getLogger(talkative).setLevel(logging.WARNING)


class JsonLines(logging.Formatter):
    """A log record as one line of JSON; never raises, for a log line must not take a service down."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        extras = {
            name: _masked(value, _DEPTH) for name, value in record.__dict__.items() if name not in _OWN_ATTRIBUTES
        }
        line: dict[str, object] = {
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "severity_text": record.levelname,
            "body": mask(_body(record)),
            "event.name": extras.pop("event.name", f"{record.module}.{record.funcName}"),
            "service.name": self._service,
            **_trace_ids(),
            "logger": record.name,
        }
        line |= {name: value for name, value in extras.items() if name not in line}
        line |= _exception(record)
        # half a surrogate pair would stop the stream's encoder; as a JSON escape it passes
        return json.dumps(line, ensure_ascii=False).encode(errors="backslashreplace").decode()


_TALKATIVE = ("asyncio", "httpx", "httpcore", "aiokafka.conn", "opentelemetry")
_OWN_ATTRIBUTES = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_DEPTH = 6


def _body(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError, KeyError):
        return f"{record.msg!s} {record.args!r}"


def _trace_ids() -> dict[str, str]:
    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return {}
    return {"trace_id": trace.format_trace_id(context.trace_id), "span_id": trace.format_span_id(context.span_id)}


def _masked(value: object, depth: int) -> object:
    """``value`` as JSON can carry it, each text and each number that reads like a personal one masked."""
    match value:
        case bool() | None:
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case int():
            return value if (masked := mask(str(value))) == str(value) else masked
        case Mapping() if depth:
            return {str(name): _masked(part, depth - 1) for name, part in value.items()}
        case list() | tuple() | set() | frozenset() if depth:
            return [_masked(part, depth - 1) for part in value]
        case _:
            return mask(str(value))


def _exception(record: logging.LogRecord) -> dict[str, str]:
    if not record.exc_info or record.exc_info[1] is None:
        return {}
    error = record.exc_info[1]
    return {
        "exception.type": f"{type(error).__module__}.{type(error).__qualname__}",
        "exception.message": mask(str(error)),
        "exception.stacktrace": mask("".join(traceback.format_exception(error))),
    }
