"""Photos drawn for tests, with whatever a camera writes into them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import pillow_heif
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base

from shared.events.parts import Place

CAMERA = "Made-up Camera 7"

pillow_heif.register_heif_opener()


def a_photo(
    size: tuple[int, int] = (640, 480),
    kind: str = "JPEG",
    place: Place | None = None,
    taken: str | None = None,
    orientation: int = 1,
    colour: str = "orange",
    **save: Any,
) -> bytes:
    """A picture whose left half is coloured, its right half black."""
    image = Image.new("RGB", size, "black")
    image.paste(Image.new("RGB", (size[0] // 2, size[1]), colour), (0, 0))
    out = io.BytesIO()
    image.save(out, kind, exif=exif_of(place, taken, orientation).tobytes(), **save)
    return out.getvalue()


def exif_of(place: Place | None = None, taken: str | None = None, orientation: int = 1) -> Image.Exif:
    exif = Image.Exif()
    exif[Base.Model] = CAMERA
    exif[Base.Orientation] = orientation
    details: dict[int, Any] = exif.get_ifd(IFD.Exif)
    if taken is not None:
        details[Base.DateTimeOriginal], details[Base.OffsetTimeOriginal] = taken[:19], taken[19:]
    if place is not None:
        exif.get_ifd(IFD.GPSInfo).update(gps_of(place))
    return exif


def gps_of(place: Place) -> Mapping[int, Any]:
    return {
        GPS.GPSLatitudeRef: "N" if place.lat >= 0 else "S",
        GPS.GPSLatitude: _parts(place.lat),
        GPS.GPSLongitudeRef: "E" if place.lon >= 0 else "W",
        GPS.GPSLongitude: _parts(place.lon),
    }


def _parts(degrees: float) -> tuple[float, float, float]:
    whole = abs(degrees)
    minutes = whole % 1 * 60
    return float(int(whole)), float(int(minutes)), round(minutes % 1 * 60, 4)
