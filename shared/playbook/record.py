"""A playbook as one Kafka record and back: JSON in the event's `content`, the value gzipped."""

import gzip
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from math import inf
from typing import Any, Final, TypeAlias
from uuid import NAMESPACE_URL, uuid5

import msgspec
from pydantic import TypeAdapter, ValidationError

from shared.events.codec import Message, decode, encode, in_words
from shared.events.envelope import Event
from shared.events.playbook import PlaybookPublished
from shared.playbook.digest import digest_of, is_digest_of
from shared.playbook.model import Playbook
from shared.vocabulary import Malformed

EVENT_SOURCE: Final = "/whistle/publisher"
ENCODING: Final = ("content-encoding", b"gzip")
MAX_BYTES: Final = 64 * 1024 * 1024
"""A value that unpacks to more is refused before it fills the memory."""

Bounds: TypeAlias = tuple[float, float, float, float]
"""West, south, east and north in degrees; what lies outside of them lies in no cell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A record whose envelope and digest are good, in its own bytes; its content is not read yet.

    `bounds` is None where they cannot be told before the content is read.
    """

    county: str
    version: str
    digest: str
    bounds: Bounds | None
    value: bytes
    gzipped: bool


def content_of(playbook: Playbook) -> dict[str, Any]:
    """Return the playbook as plain JSON values."""
    content: dict[str, Any] = _adapter().dump_python(playbook, mode="json")
    return content


def sealed(playbook: Playbook) -> Playbook:
    """Return `playbook` with the digest of its content."""
    return replace(playbook, digest=digest_of(content_of(playbook)))


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
        Malformed: see `packed` and `unpacked`.
    """
    return unpacked(packed(value, headers))


def packed(value: bytes | None, headers: Iterable[tuple[str, bytes]]) -> Packed:
    """Check a record from outside, at a tenth of what it costs to read it whole.

    Raises:
        Malformed: not gzip, not the event, or its content is not the one that its digest names.
    """
    known = tuple(headers)
    gzipped = ENCODING in known and value is not None
    event = decode(_unpack(value) if gzipped and value is not None else value, known)
    if not isinstance(event.data, PlaybookPublished) or value is None:
        raise Malformed(f"{event.type} on the playbook topic, allowed: {PlaybookPublished.TYPE}")
    told, content = event.data, event.data.content
    outside = (event.subject, told.county, told.version)
    inside = (content.get("county"), content.get("county"), content.get("version"))
    if outside != inside:
        raise Malformed(f"subject, county and version are {outside} outside and {inside} inside")
    if content.get("digest") != told.digest or not is_digest_of(content, told.digest):
        raise Malformed(f"digest {told.digest} is not that of the content, {digest_of(content)}")
    return Packed(
        county=told.county,
        version=told.version,
        digest=told.digest,
        bounds=_bounds_told(content),
        value=value,
        gzipped=gzipped,
    )


def unpacked(record: Packed) -> Playbook:
    """Read the content.

    Raises:
        Malformed: see `playbook_of`.
    """
    plain = _unpack(record.value) if record.gzipped else record.value
    return playbook_of(bytes(msgspec.json.decode(plain, type=_Outer).content))


def playbook_of(content: bytes) -> Playbook:
    """Return the playbook that `content_of` wrote, of its JSON text.

    Only from text do enumerations, dates and tuples have one strict reading.

    Raises:
        Malformed: a field is missing or of the wrong kind; the reason names it.
    """
    try:
        return _adapter().validate_json(content)
    except ValidationError as error:
        raise Malformed(f"playbook: {in_words(error.errors(include_url=False))}") from error


def bounds_of(rings: Iterable[Sequence[Sequence[float]]]) -> Bounds:
    """Return the bounds of `rings` of (longitude, latitude); of none, bounds that hold nothing."""
    points = [point for ring in rings for point in ring]
    lons = [float(point[0]) for point in points]
    lats = [float(point[1]) for point in points]
    return min(lons, default=inf), min(lats, default=inf), max(lons, default=-inf), max(lats, default=-inf)


def _bounds_told(content: dict[str, Any]) -> Bounds | None:
    try:
        return bounds_of(cell["polygon"] for cell in content["cells"])
    except (LookupError, TypeError, ValueError):
        # Not what a playbook looks like: reading it will say what is wrong.
        return None


class _Outer(msgspec.Struct):
    content: msgspec.Raw


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
