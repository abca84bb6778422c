"""An upload becomes a photo that may be kept: what it shows, and nothing that the camera wrote into it.

Every picture is drawn anew from its pixels alone, so that neither place, time nor camera of whoever took it, nor
anything hidden behind a picture's end, comes through; what the camera said of place and time is read out first.
"""

from __future__ import annotations

import hashlib
import io
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import pi_heif
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ExifTags import GPS, IFD, Base

from services.intake.ports import Developed
from shared.events.parts import Photo, Place
from shared.vocabulary import Refused

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_PHOTOS: Final = 9
MOST_PIXELS: Final = 50_000_000
"""Of a JPEG, which can be read at half its size or less."""
MOST_PIXELS_WHOLE: Final = 16_000_000
"""Of PNG and WebP, which are unpacked whole: 64 MiB."""
MOST_PIXELS_HEIC: Final = 25_000_000
"""Of HEIC, unpacked whole too: what phones take that write it."""
LONGEST_EDGE: Final = 2560
SMALL_EDGE: Final = 320
MEDIA_TYPE: Final = "image/jpeg"

_FORMATS: Final = ("JPEG", "PNG", "WEBP", "HEIF")
_MOST_PIXELS: Final = {"JPEG": MOST_PIXELS, "MPO": MOST_PIXELS, "HEIF": MOST_PIXELS_HEIC}
_SCANS: Final = 64
"""A JPEG in more steps than that is made to cost time."""
_SCAN: Final = b"\xff\xda"
_ALLOWED: Final = (f"a JPEG, PNG, WebP or HEIC of at most {MOST_BYTES // 1024 // 1024} MiB",)
_PIXELS: Final = (
    f"at most {MOST_PIXELS} pixels of a JPEG, {MOST_PIXELS_HEIC} of a HEIC, {MOST_PIXELS_WHOLE} of a PNG or WebP"
)
_BROKEN: Final = "the photo breaks off or is damaged"
_QUALITY: Final = 85
_DAMAGED: Final = (OSError, ValueError, SyntaxError, EOFError, IndexError, TypeError, struct.error, RuntimeError)
"""What readers of pictures raise; RuntimeError is libheif's, also of a picture larger than its file says."""
_SECONDS_OF_A_CIRCLE: Final = (1.0, 60.0, 3600.0)
_WHITE: Final = (255, 255, 255)

# The picture alone is read, by one thread: what else such a file may hold costs time and memory, and is not kept.
# pi-heif only reads; its sister pillow-heif carries an encoder under the GPL, which nothing that we ship may.
pi_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)


def develop(data: bytes, *, field: str) -> Developed:
    """The photo of an upload, upright, at most 2560 pixels long; takes up to two seconds of a processor.

    Raises:
        Refused: it is too large, no picture of an allowed kind, or breaks off; ``field`` names it.
    """
    if len(data) > MOST_BYTES:
        raise _refused(f"the photo has {len(data)} bytes", field)
    try:
        with _opened(data, field) as upload:
            told = _told(upload)
            image = _drawn_anew(upload)
    except _DAMAGED as error:
        raise _refused(_BROKEN, field) from error
    picture, small = _jpeg(image, LONGEST_EDGE), _jpeg(image, SMALL_EDGE)
    photo = Photo(
        photo_id=hashlib.sha256(picture).hexdigest(),
        media_type=MEDIA_TYPE,
        width=image.width,
        height=image.height,
        bytes=len(picture),
        taken_at=told.taken_at,
        place=told.place,
    )
    return Developed(photo=photo, picture=picture, small=small)


def _opened(data: bytes, field: str) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
    except UnidentifiedImageError as error:
        if pi_heif.is_supported(data):
            raise _refused(_BROKEN, field) from error
        raise _refused("this is no picture of an allowed kind, whatever its name says", field) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _refused("the photo has too many pixels", field, _PIXELS) from error
    most = _MOST_PIXELS.get(image.format or "", MOST_PIXELS_WHOLE)
    if image.width * image.height > most:
        raise _refused(f"the photo has {image.width} × {image.height} pixels", field, f"at most {most} pixels")
    if image.format in {"JPEG", "MPO"} and data.count(_SCAN) > _SCANS:
        raise _refused("the photo is drawn in too many steps", field)
    return image


def _drawn_anew(upload: Image.Image) -> Image.Image:
    """The pixels alone, upright: a fresh image has no comment, no profile and no tags to be saved."""
    upload.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))
    upload.load()
    # Made small before it is turned: turning copies every pixel.
    upload.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
    upright = ImageOps.exif_transpose(upload)
    fresh = Image.new("RGB", upright.size, _WHITE)
    if upright.has_transparency_data:
        layer = upright.convert("RGBA")
        fresh.paste(layer, mask=layer.getchannel("A"))
    else:
        fresh.paste(upright.convert("RGB"))
    return fresh


def _jpeg(image: Image.Image, edge: int) -> bytes:
    sized = image.copy()
    sized.thumbnail((edge, edge))
    out = io.BytesIO()
    sized.save(out, "JPEG", quality=_QUALITY)
    return out.getvalue()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """What the camera wrote down, as far as it makes sense."""

    taken_at: datetime | None = None
    place: Place | None = None


def _told(upload: Image.Image) -> _Told:
    """What stands in the EXIF data; whatever is wrong there is as good as not there."""
    try:
        exif = upload.getexif()
        details, gps = dict(exif.get_ifd(IFD.Exif)), dict(exif.get_ifd(IFD.GPSInfo))
    except Exception:  # noqa: BLE001  anybody can write anything there, and the photo is good without it
        return _Told()
    return _Told(taken_at=_moment(details, gps), place=_place(gps))


def _place(gps: Mapping[int, Any]) -> Place | None:
    lat = _degrees(gps.get(GPS.GPSLatitude), gps.get(GPS.GPSLatitudeRef), "NS", 90)
    lon = _degrees(gps.get(GPS.GPSLongitude), gps.get(GPS.GPSLongitudeRef), "EW", 180)
    # Cameras without a fix write zeros.
    return None if lat is None or lon is None or lat == lon == 0 else Place(lon=lon, lat=lat)


def _degrees(parts: Any, sign: Any, signs: str, most: float) -> float | None:  # noqa: ANN401  EXIF holds anything
    try:
        whole = sum(float(part) / share for part, share in zip(parts, _SECONDS_OF_A_CIRCLE, strict=True))
        there = whole * (1, -1)[signs.index(str(sign)[:1] or "?")]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return round(there, 6) if abs(there) <= most else None


def _moment(details: Mapping[int, Any], gps: Mapping[int, Any]) -> datetime | None:
    """When it was taken: by the satellites' clock, else by the camera's when it says its offset from UTC."""
    try:
        return _by_satellite(gps) or _by_camera(details)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None


def _by_satellite(gps: Mapping[int, Any]) -> datetime | None:
    day, parts = gps.get(GPS.GPSDateStamp), gps.get(GPS.GPSTimeStamp)
    if not day or not parts:
        return None
    hour, minute, second = (int(float(part)) for part in parts)
    return datetime.strptime(str(day).strip("\0 "), "%Y:%m:%d").replace(
        hour=hour, minute=minute, second=second, tzinfo=UTC
    )


def _by_camera(details: Mapping[int, Any]) -> datetime | None:
    text, offset = details.get(Base.DateTimeOriginal), str(details.get(Base.OffsetTimeOriginal, "")).strip("\0 ")
    if not text or re.fullmatch(r"[+-]\d\d:\d\d", offset) is None:
        return None
    said = str(text).strip("\0 ")
    return datetime.strptime(f"{said}{offset}", "%Y:%m:%d %H:%M:%S%z").astimezone(UTC)


def _refused(reason: str, field: str, *more: str) -> Refused:
    return Refused(reason, field=field, allowed=(*_ALLOWED, *more))
