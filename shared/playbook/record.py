"""A playbook as one Kafka record and back: JSON in the event's `content`, the value gzipped."""

import gzip
import json
import zlib
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from pydantic import TypeAdapter, ValidationError

from shared.events.codec import Message, decode, encode, in_words
from shared.events.envelope import Event
from shared.events.playbook import PlaybookPublished
from shared.playbook.digest import digest_of
from shared.playbook.model import Playbook
from shared.vocabulary import Malformed

EVENT_SOURCE: Final = "/whistle/publisher"
ENCODING: Final = ("content-encoding", b"gzip")
MAX_BYTES: Final = 64 * 1024 * 1024
"""A value that unpacks to more is refused before it fills the memory."""


def content_of(playbook: Playbook) -> dict[str, Any]:
    """Return the playbook as plain JSON values."""
    content: dict[str, Any] = _adapter().dump_python(playbook, mode="json")
    return content


def sealed(playbook: Playbook) -> Playbook:
    """Return `playbook` with the digest of its content."""
    return replace(playbook, digest=digest_of(content_of(playbook)))


def playbook_from(content: dict[str, Any]) -> Playbook:
    """Return the playbook that `content_of` wrote.

    Raises:
        Malformed: a field is missing or of the wrong kind; the reason names it.
    """
    try:
        # Through JSON text: only there do enumerations, dates and tuples have one strict reading.
        return _adapter().validate_json(json.dumps(content, ensure_ascii=False))
    except ValidationError as error:
        raise Malformed(f"playbook: {in_words(error.errors(include_url=False))}") from error


def to_message(playbook: Playbook, *, published_at: datetime) -> Message:
    """Write `playbook` for its topic; key = county, the same id for the same content."""
    event = Event(
        id=uuid5(NAMESPACE_URL, f"whistle:playbook:{playbook.county}:{playbook.digest}"),
        source=EVENT_SOURCE,
        subject=playbook.county,
        time=published_at,
        sequence=1,
        data=PlaybookPublished(
            county=playbook.county,
            version=playbook.version,
            digest=playbook.digest,
            published_at=published_at,
            content=content_of(playbook),
        ),
    )
    plain = encode(event)
    packed = gzip.compress(plain.value, mtime=0)
    return replace(plain, value=packed, headers=(*plain.headers, ENCODING))


def from_record(value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Playbook:
    """Return the playbook of one record of the playbook topic.

    Raises:
        Malformed: not gzip, not the event, no playbook inside, or not the content that its digest names.
    """
    known = tuple(headers)
    plain = _unpack(value) if ENCODING in known and value is not None else value
    event = decode(plain, known)
    if not isinstance(event.data, PlaybookPublished):
        raise Malformed(f"{event.type} on the playbook topic, allowed: {PlaybookPublished.TYPE}")
    playbook = playbook_from(event.data.content)
    outside = (event.subject, event.data.county, event.data.version)
    inside = (playbook.county, playbook.county, playbook.version)
    if outside != inside:
        raise Malformed(f"subject, county and version are {outside} outside and {inside} inside")
    digest = digest_of(event.data.content)
    if playbook.digest != digest or event.data.digest != digest:
        raise Malformed(f"digest {event.data.digest} is not that of the content, {digest}")
    return playbook


def _unpack(value: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        plain = unpacker.decompress(value, MAX_BYTES)
    except zlib.error as error:
        raise Malformed(f"not gzip: {error}") from error
    if not unpacker.eof:
        raise Malformed(f"gzip is cut off or unpacks to more than {MAX_BYTES} bytes")
    return plain


@cache
def _adapter() -> TypeAdapter[Playbook]:
    return TypeAdapter(Playbook)
