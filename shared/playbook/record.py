"""A playbook as one Kafka record and back: JSON in the event's `content`, the value gzipped."""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from math import inf
from typing import Any, Final, TypeAlias, get_origin, get_type_hints
from uuid import NAMESPACE_URL, uuid5

import msgspec
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from shared.events.codec import Message, decode, encode, in_words
from shared.events.envelope import Event
from shared.events.playbook import PlaybookPublished
from shared.playbook.digest import SLICE, digest_of, is_digest_of_parts, one_by_one, slices
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
    """Check a record from outside, at a third of what it costs to read it whole.

    It goes through the content slice by slice: a thread that does so lets the others in between.

    Raises:
        Malformed: not gzip, not the event, or its content is not the one that its digest names.
    """
    known = tuple(headers)
    gzipped = ENCODING in known and value is not None
    plain = _unpack(value) if gzipped and value is not None else value
    outer = _outer(plain)
    content = outer.pop("content", None)
    # The rest is small and read as any event is; the content is judged by its digest.
    event = decode(plain if content is None else msgspec.json.encode({**outer, "content": {}}), known)
    if not isinstance(event.data, PlaybookPublished) or value is None or content is None:
        raise Malformed(f"{event.type} on the playbook topic, allowed: {PlaybookPublished.TYPE}")
    parts = _parts(content)
    told = event.data
    outside = (event.subject, told.county, told.version)
    inside = (_text(parts, "county"), _text(parts, "county"), _text(parts, "version"))
    if outside != inside:
        raise Malformed(f"subject, county and version are {outside} outside and {inside} inside")
    if _text(parts, "digest") != told.digest or not is_digest_of_parts(parts, told.digest):
        raise Malformed(f"digest {told.digest} is not that of the content")
    return Packed(
        county=told.county,
        version=told.version,
        digest=told.digest,
        bounds=_bounds_told(parts),
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

    Only from text do enumerations, dates and tuples have one strict reading. Long lists are read slice
    by slice, so that no one step of it keeps other threads waiting.

    Raises:
        Malformed: a field is missing or of the wrong kind; the reason names it.
    """
    parts = _parts(content)
    long = {name: rows for name in _lists() if len(rows := slices(parts.get(name))) > 1}
    errors: list[ErrorDetails] = []
    lists: dict[str, Any] = {name: tuple(_rows(name, rows, errors)) for name, rows in long.items()}
    rest = {**parts, **dict.fromkeys(long, _NOTHING)}
    playbook: Playbook | None = None
    try:
        playbook = _adapter().validate_json(msgspec.json.encode(rest))
    except ValidationError as error:
        errors += error.errors(include_url=False)
    if playbook is None or errors:
        raise Malformed(f"playbook: {in_words(errors)}")
    return replace(playbook, **lists)


def _rows(name: str, rows: Iterable[bytes], errors: list[ErrorDetails]) -> Iterator[Any]:
    """Yield what the slices of one list hold; what is wrong is added to `errors` with its place in the whole list."""
    start = 0
    for rows_here in one_by_one(rows):
        try:
            yield from (read := _lists()[name].validate_json(rows_here))
            start += len(read)
        except ValidationError as error:
            for detail in error.errors(include_url=False):
                index, *path = detail["loc"]
                errors.append({**detail, "loc": (name, start + int(index), *path)})
            start += SLICE


def bounds_of(rings: Iterable[Sequence[Sequence[float]]]) -> Bounds:
    """Return the bounds of `rings` of (longitude, latitude); of none, bounds that hold nothing."""
    points = [point for ring in rings for point in ring]
    lons = [float(point[0]) for point in points]
    lats = [float(point[1]) for point in points]
    return min(lons, default=inf), min(lats, default=inf), max(lons, default=-inf), max(lats, default=-inf)


def _bounds_told(parts: Mapping[str, msgspec.Raw]) -> Bounds | None:
    try:
        cells = [msgspec.json.decode(rows, type=list[_Cell]) for rows in one_by_one(slices(parts.get("cells")))]
    except msgspec.DecodeError:
        # Not what a playbook looks like: reading it will say what is wrong.
        return None
    return bounds_of(cell.polygon for rows in cells for cell in rows)


class _Cell(msgspec.Struct, gc=False):
    polygon: list[tuple[float, float]]


class _Outer(msgspec.Struct):
    content: msgspec.Raw


def _outer(plain: bytes | None) -> dict[str, msgspec.Raw]:
    try:
        return msgspec.json.decode(plain or b"", type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        # Decoding it as an event says what is wrong.
        return {}


def _parts(content: bytes | msgspec.Raw) -> dict[str, msgspec.Raw]:
    """The fields of the content, each as its own text.

    Raises:
        Malformed: it is no object.
    """
    try:
        return msgspec.json.decode(content, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError as error:
        raise Malformed(f"playbook: content: {error}") from error


def _text(parts: Mapping[str, msgspec.Raw], name: str) -> str | None:
    try:
        return msgspec.json.decode(parts[name], type=str)
    except (KeyError, msgspec.DecodeError):
        return None


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


@cache
def _lists() -> Mapping[str, TypeAdapter[Any]]:
    """The fields that are lists, which can be long; each with the reader of a slice of it."""
    hints = get_type_hints(Playbook, include_extras=True)
    return {name: TypeAdapter(kind) for name, kind in hints.items() if get_origin(kind) is tuple}


_NOTHING: Final = msgspec.Raw(b"[]")
