"""Events to bytes and back: CloudEvents 1.0 in Kafka's binary binding.

The attributes stand in ``ce_*`` headers, the data alone is the value, the W3C ``traceparent`` is a
plain header. Reading is tolerant of fields it does not know, and strict in the fields it knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
from pydantic import TypeAdapter, ValidationError

from shared.events.envelope import Event, Payload
from shared.events.topics import PAYLOADS, topic_of
from shared.vocabulary import Malformed

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

Headers = tuple[tuple[str, bytes], ...]

SPEC_VERSION: Final = "1.0"
CONTENT_TYPE: Final = "application/json"
REQUIRED: Final = ("ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "ce_sequence")
SHOWN_ERRORS: Final = 5
_SPEC: Final = ("ce_specversion", SPEC_VERSION.encode())
_CONTENT: Final = ("content-type", CONTENT_TYPE.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is handed to Kafka: a topic, a key that keeps a case in order, bytes and headers."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers


def encode(event: Event[Payload]) -> Message:
    """Write ``event`` for the topic that its data belongs to; key = subject."""
    key = event.subject.encode()
    headers: Headers = (
        _SPEC,
        ("ce_id", str(event.id).encode()),
        ("ce_source", event.source.encode()),
        ("ce_type", event.type.encode()),
        ("ce_subject", key),
        ("ce_time", _in_utc(event.time)),
        ("ce_sequence", str(event.sequence).encode()),
        ("ce_partitionkey", key),
        _CONTENT,
    )
    if event.traceparent is not None:
        headers = (*headers, ("traceparent", event.traceparent.encode()))
    return Message(topic=topic_of(event.data).name, key=key, value=msgspec.json.encode(event.data), headers=headers)


@lru_cache(maxsize=64)
def _in_utc(time: datetime) -> bytes:
    # The events of a batch mostly have one time.
    return time.astimezone(UTC).isoformat().encode()


def decode(value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Event[Payload]:
    """Read one record.

    Raises:
        Malformed: when the headers or the data are not an event of the catalogue; the reason names
            the header or the field.
    """
    texts = _texts(headers)
    payload = PAYLOADS.get(texts["ce_type"])
    if payload is None:
        raise Malformed(f"ce_type {texts['ce_type']!r} is not in the catalogue of topics")
    if value is None:
        raise Malformed(f"{texts['ce_type']} has no value")
    try:
        data = adapter(payload).validate_json(value)
    except ValidationError as error:
        raise Malformed(f"{texts['ce_type']}: {in_words(error.errors(include_url=False))}") from error
    return _event(texts, data)


@cache
def adapter(payload: type[Payload]) -> TypeAdapter[Any]:
    """The validator and schema writer of ``payload``; built once, it is costly."""
    return TypeAdapter(payload)


def in_words(errors: Iterable[ErrorDetails]) -> str:
    """Validation errors as one line that names each field, the first few in full."""
    listed = list(errors)
    lines = [f"{'.'.join(str(part) for part in error['loc']) or 'value'}: {error['msg']}" for error in listed]
    rest = len(lines) - SHOWN_ERRORS
    return "; ".join(lines[:SHOWN_ERRORS]) + (f"; and {rest} more" if rest > 0 else "")


def _texts(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    try:
        texts = {name: content.decode() for name, content in headers}
    except UnicodeDecodeError as error:
        raise Malformed("a header is not UTF-8") from error
    missing = [name for name in REQUIRED if name not in texts]
    if missing:
        raise Malformed(f"missing header {', '.join(missing)}")
    if texts["ce_specversion"] != SPEC_VERSION:
        raise Malformed(f"ce_specversion {texts['ce_specversion']!r}, allowed: {SPEC_VERSION}")
    return texts


def _event(texts: Mapping[str, str], data: Payload) -> Event[Payload]:
    try:
        time = datetime.fromisoformat(texts["ce_time"])
        event_id = UUID(texts["ce_id"])
        sequence = int(texts["ce_sequence"])
    except ValueError as error:
        raise Malformed(f"ce_id, ce_time or ce_sequence: {error}") from error
    if time.tzinfo is None:
        raise Malformed("ce_time has no offset")
    return Event(
        id=event_id,
        source=texts["ce_source"],
        subject=texts["ce_subject"],
        time=time,
        sequence=sequence,
        data=data,
        traceparent=texts.get("traceparent"),
    )
