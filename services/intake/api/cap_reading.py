"""CAP 1.2 in XML, read with care: no document type, no entities, bounded in size and depth."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Final, Never
from xml.parsers.expat import ErrorString

import shapely
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, iterparse

from services.intake.domain.sources.cap import CapAlert, MessageType
from shared.events.parts import Place
from shared.vocabulary import Refused, is_area

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

CAP_12: Final = "urn:oasis:names:tc:emergency:cap:1.2"
MOST_ELEMENTS: Final = 4000
DEEPEST: Final = 8
MOST_REFERENCES: Final = 50
MOST_POINTS: Final = 2000
MOST_AREAS: Final = 20
AREA_CODES: Final = frozenset({"area", "whistle-area", "gb/t 2260", "gb/t 10114", "gb2260"})
"""What a ``geocode`` or parameter of an area code may be called, in small letters."""
CATEGORIES: Final = frozenset({"category", "whistle-category"})

_REQUIRED: Final = ("identifier", "sender", "sent", "status", "msgType", "scope")
_NAME: Final = re.compile(r"[^\s,<&]{1,200}")
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[-+]\d\d:\d\d")
_NATIONAL: Final = re.compile(
    rb"\s*<\?xml\s[^>]{0,80}encoding=[\"'](?:gb2312|gbk|gb18030)[\"'][^>]{0,40}\?>", re.IGNORECASE
)
_NO_TYPES: Final = (
    "document types and entities are not taken: they could make a reader open files, or swell without end"
)
_ENCODINGS: Final = "XML in UTF-8, UTF-16, GB2312, GBK or GB18030, as its first line says"
_STATUSES: Final = ("Actual", "Exercise", "System", "Test", "Draft")
_SEVERITIES: Final = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")


def read_cap(body: bytes) -> CapAlert:
    """The message that ``body`` is.

    Raises:
        Refused: it is no CAP 1.2, or a field of it is wrong; names the field and what is allowed.
    """
    alert = _root(body)
    fields = {name: _required(alert, name) for name in _REQUIRED}
    for name in ("identifier", "sender"):
        if _NAME.fullmatch(fields[name]) is None:
            _wrong(name, "at most 200 characters without space, comma, < and &")
    _time(fields["sent"], "sent")
    info = alert.find(_tag("info"))
    reference = ",".join(fields[name] for name in ("sender", "identifier", "sent"))
    kind = _one_of("msgType", fields["msgType"], tuple(MessageType))
    read = CapAlert(
        reference=reference,
        status=_one_of("status", fields["status"], _STATUSES),
        kind=MessageType(kind),
        references=_references(_text(alert, "references")),
    )
    return read if info is None else _with_info(read, info)


def _root(body: bytes) -> Element:
    """The message's root; whatever nests too deep or has too much in it is given up while it is read."""
    root: Element | None = None
    depth = count = 0
    try:
        for event, element in iterparse(io.BytesIO(_readable(body)), events=("start", "end"), forbid_dtd=True):
            depth, count = depth + (1 if event == "start" else -1), count + (event == "start")
            root = element if root is None else root
            if depth > DEEPEST or count > MOST_ELEMENTS:
                most = f"at most {MOST_ELEMENTS} elements, {DEEPEST} deep"
                raise Refused("the message has too many elements or nests too deep", field="/", allowed=[most])
    except DefusedXmlException as error:
        raise Refused(
            _NO_TYPES, field="/", allowed=["the same message without <!DOCTYPE …> and <!ENTITY …>"]
        ) from error
    except ParseError as error:
        line, column = error.position
        where = f"line {line}, column {column + 1}"
        raise Refused(
            f"this is no XML at {where}: {ErrorString(error.code)}", field="/", allowed=["CAP 1.2 in XML"]
        ) from error
    except (ValueError, LookupError) as error:
        raise Refused("the message's encoding cannot be read", field="/", allowed=[_ENCODINGS]) from error
    if root is None or root.tag != _tag("alert"):
        raise Refused("the root is no CAP 1.2 alert", field="/", allowed=[f"an alert of {CAP_12}"])
    return root


def _readable(body: bytes) -> bytes:
    """XML in the national encoding as UTF-8: the parser knows no encoding of several bytes but Unicode's."""
    declared = _NATIONAL.match(body)
    if declared is None:
        return body
    return b'<?xml version="1.0"?>' + body[declared.end() :].decode("gb18030").encode()


def _with_info(alert: CapAlert, info: Element) -> CapAlert:
    onset = _text(info, "onset") or _text(info, "effective")
    areas = info.findall(_tag("area"))
    named = (one for tag in ("parameter", "eventCode") for one in _named(info, tag, CATEGORIES))
    return replace(
        alert,
        event=_text(info, "event"),
        headline=_text(info, "headline"),
        description=_text(info, "description"),
        instruction=_text(info, "instruction"),
        severity=_one_of("info.severity", _text(info, "severity") or "Unknown", _SEVERITIES),
        onset=_time(onset, "info.onset") if onset else None,
        area_names=tuple(name for area in areas[:MOST_AREAS] if (name := _text(area, "areaDesc"))),
        area_code=next(_codes(areas), None),
        category=next(named, None),
        place=next(_points(areas), None),
    )


def _codes(areas: Sequence[Element]) -> Iterator[str]:
    """Area codes that the message names."""
    for area in areas:
        for code in _named(area, "geocode", AREA_CODES):
            if not is_area(code):
                _wrong("info.area.geocode", "an area code of 6, 9, 12 or 15 digits")
            yield code


def _named(parent: Element, tag: str, names: frozenset[str]) -> Iterator[str]:
    for pair in parent.findall(_tag(tag)):
        if _text(pair, "valueName").lower() in names and _text(pair, "value"):
            yield _text(pair, "value")


def _points(areas: Sequence[Element]) -> Iterator[Place]:
    """A point inside each polygon, the middle of each circle."""
    for area in areas:
        for polygon in area.findall(_tag("polygon")):
            yield _inside(_pairs(polygon.text or "", "info.area.polygon"))
        for circle in area.findall(_tag("circle")):
            middle, _, _ = (circle.text or "").strip().partition(" ")
            yield _pairs(middle, "info.area.circle")[0]


def _pairs(text: str, field: str) -> list[Place]:
    parts = text.split()
    if not 1 <= len(parts) <= MOST_POINTS:
        _wrong(field, f"1 to {MOST_POINTS} points, written lat,lon")
    return [_point(part, field) for part in parts]


def _point(text: str, field: str) -> Place:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        _wrong(field, "points written lat,lon in WGS-84 degrees")
    if not (-90 <= lat <= 90 and -180 <= lon <= 180):  # noqa: PLR2004  the whole earth
        _wrong(field, "latitudes of -90 to 90, longitudes of -180 to 180")
    return Place(lon=lon, lat=lat)


def _inside(ring: list[Place]) -> Place:
    """The middle of a polygon, or where that lies outside, a point that does not."""
    if len(ring) < 4 or ring[0] != ring[-1]:  # noqa: PLR2004  the fewest of a ring
        _wrong("info.area.polygon", "4 or more points, the last one equal to the first")
    shape = shapely.Polygon([(point.lon, point.lat) for point in ring])
    middle = shape.centroid
    try:
        inside = (
            middle if shape.is_valid and shape.contains(middle) else shapely.make_valid(shape).representative_point()
        )
    except shapely.errors.GEOSException:
        return ring[0]
    return ring[0] if inside.is_empty else Place(lon=inside.x, lat=inside.y)


def _references(text: str) -> tuple[str, ...]:
    """The messages that this one is about, each ``sender,identifier,sent``."""
    found = tuple(dict.fromkeys(text.split()))
    if len(found) > MOST_REFERENCES or any(part.count(",") != 2 for part in found):  # noqa: PLR2004  its three parts
        _wrong("references", f"at most {MOST_REFERENCES} of sender,identifier,sent, a space between them")
    return found


def _required(alert: Element, name: str) -> str:
    text = _text(alert, name)
    if not text:
        raise Refused("this is missing", field=name, allowed=["a value"])
    return text


def _time(text: str, field: str) -> datetime:
    try:
        found = datetime.fromisoformat(text) if _TIME.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        _wrong(field, "a time with its offset, such as 2026-11-21T08:00:00+08:00")
    return found


def _one_of(field: str, text: str, allowed: Sequence[str]) -> str:
    if text not in allowed:
        raise Refused("this is not known", field=field, allowed=list(allowed))
    return text


def _text(parent: Element, name: str) -> str:
    return (parent.findtext(_tag(name)) or "").strip()


def _tag(name: str) -> str:
    return f"{{{CAP_12}}}{name}"


def _wrong(field: str, allowed: str) -> Never:
    raise Refused("this is wrong", field=field, allowed=[allowed])
