"""A photo that is kept shows what was taken, and holds nothing else; what is no photo is refused with its name."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from PIL import Image

from services.intake.photos import (
    LONGEST_EDGE,
    MOST_BYTES,
    MOST_PIXELS_HEIC,
    MOST_PIXELS_WHOLE,
    SMALL_EDGE,
    develop,
)
from services.intake.ports import Developed
from shared.events.parts import Place
from shared.vocabulary import Refused
from tests.fakes.photos import CAMERA, a_photo

KINDS = ("JPEG", "PNG", "WEBP", "HEIF")
HERE = Place(lon=100.52341, lat=25.50002)


def seen(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def lies(found: Place | None, where: Place) -> bool:
    return found is not None and abs(found.lon - where.lon) < 1e-5 and abs(found.lat - where.lat) < 1e-5


def refusal_of(data: bytes) -> Refused:
    with pytest.raises(Refused) as refusal:
        develop(data, field="photo.0")
    assert refusal.value.field == "photo.0"
    assert "JPEG" in refusal.value.allowed[0]
    return refusal.value


def holds_nothing_else(made: Developed) -> None:
    for data in (made.picture, made.small):
        image = seen(data)
        assert image.format == "JPEG"
        assert not dict(image.getexif())
        assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        assert CAMERA.encode() not in data


@pytest.mark.parametrize("kind", KINDS)
def test_place_and_time_are_read_and_then_gone(kind: str) -> None:
    made = develop(a_photo(kind=kind, place=HERE, taken="2026:11:21 08:00:00+08:00"), field="photo")
    assert lies(made.photo.place, HERE)
    assert made.photo.taken_at == datetime(2026, 11, 21, 0, 0, tzinfo=UTC)
    holds_nothing_else(made)


@pytest.mark.parametrize(
    "place", (Place(lon=-71.1, lat=42.3), Place(lon=151.2, lat=-33.9), Place(lon=-58.4, lat=-34.6))
)
def test_a_place_in_any_quarter_of_the_earth_is_read(place: Place) -> None:
    assert lies(develop(a_photo(place=place), field="photo").photo.place, place)


def test_a_camera_without_a_fix_says_no_place() -> None:
    assert develop(a_photo(place=Place(lon=0, lat=0)), field="photo").photo.place is None


@pytest.mark.parametrize("taken", ("2026:11:21 08:00:00", "2026:13:41 08:00:00+08:00", "yesterday, late+08:00"))
def test_a_time_that_is_none_or_has_no_offset_is_none(taken: str) -> None:
    assert develop(a_photo(taken=taken), field="photo").photo.taken_at is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_is_kept_upright(kind: str) -> None:
    # 6: the camera was turned; the coloured half, left in the file, belongs on top
    made = develop(a_photo(size=(640, 480), kind=kind, orientation=6), field="photo")
    assert (made.photo.width, made.photo.height) == (480, 640)
    image = seen(made.picture).convert("RGB")
    assert sum(image.getpixel((240, 20))) > 200 > sum(image.getpixel((240, 620)))  # type: ignore[arg-type]


def test_a_large_photo_is_made_smaller_and_has_a_small_picture() -> None:
    made = develop(a_photo(size=(6000, 3000)), field="photo")
    assert (made.photo.width, made.photo.height) == (LONGEST_EDGE, LONGEST_EDGE // 2)
    assert seen(made.picture).size == (LONGEST_EDGE, LONGEST_EDGE // 2)
    assert seen(made.small).size == (SMALL_EDGE, SMALL_EDGE // 2)
    assert made.photo.bytes == len(made.picture)


def test_the_same_upload_makes_the_same_photo_and_another_makes_another() -> None:
    first, again, other = (develop(a_photo(colour=c), field="photo") for c in ("orange", "orange", "green"))
    assert first == again
    assert first.photo.photo_id != other.photo.photo_id


def test_what_lies_behind_the_end_or_in_a_comment_does_not_come_through() -> None:
    made = develop(a_photo(comment=b"secret words") + b"PK\x03\x04 secret words", field="photo")
    assert b"secret" not in made.picture + made.small
    holds_nothing_else(made)


@pytest.mark.parametrize("mode", ("L", "LA", "P", "RGBA", "1", "I;16"))
def test_every_kind_of_png_becomes_a_photo(mode: str) -> None:
    out = io.BytesIO()
    Image.new(mode, (40, 30)).save(out, "PNG")
    holds_nothing_else(develop(out.getvalue(), field="photo"))


def test_what_was_transparent_is_white() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (40, 30), (0, 0, 0, 0)).save(out, "PNG")
    assert seen(develop(out.getvalue(), field="photo").picture).getpixel((5, 5)) == (255, 255, 255)


@pytest.mark.parametrize(
    "data",
    (b"", b"\xff\xd8\xff", b"%PDF-1.7", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"GIF89a" + bytes(40)),
    ids=("nothing", "three bytes", "PDF", "SVG", "GIF"),
)
def test_what_is_no_photo_is_refused_whatever_its_name(data: bytes) -> None:
    assert "picture" in refusal_of(data).reason or "damaged" in refusal_of(data).reason


@pytest.mark.parametrize("kind", ("GIF", "BMP", "TIFF", "ICO", "PPM"))
def test_pictures_of_other_kinds_are_refused(kind: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (20, 20)).save(out, kind)
    assert "allowed kind" in refusal_of(out.getvalue()).reason


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_that_breaks_off_is_refused(kind: str) -> None:
    whole = a_photo(kind=kind, size=(200, 200))
    assert "breaks off" in refusal_of(whole[: len(whole) * 2 // 3]).reason


def png_bomb(edge: int) -> bytes:
    """A PNG of a few kB that unpacks to ``edge`` × ``edge`` pixels."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", edge, edge, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + edge // 8) * 64)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("edge", (int(MOST_PIXELS_WHOLE**0.5) + 1, 9000, 12_000, 60_000))
def test_a_bomb_is_refused_before_it_is_unpacked(edge: int) -> None:
    refused = refusal_of(png_bomb(edge))
    assert "pixels" in refused.reason
    assert any(str(MOST_PIXELS_WHOLE) in words for words in refused.allowed)


def test_a_jpeg_in_thousands_of_steps_is_refused() -> None:
    # Each step of a progressive JPEG walks over the whole picture again.
    plain = a_photo(progressive=True)
    start = plain.rindex(b"\xff\xda")
    assert "steps" in refusal_of(plain[:start] + plain[start:-2] * 200 + plain[-2:]).reason


def test_a_file_too_large_is_refused_unread() -> None:
    assert "bytes" in refusal_of(a_photo() + bytes(MOST_BYTES)).reason


def heic_of(size: tuple[int, int], *, says: int) -> bytes:
    """A HEIC of so many pixels, whose file says that it is ``says`` pixels wide and high."""
    data = bytearray(a_photo(size=size, kind="HEIF"))
    where = data.index(b"ispe") + 8
    data[where : where + 8] = struct.pack(">II", says, says)
    return bytes(data)


def test_a_heic_with_too_many_pixels_is_refused_by_what_its_file_says() -> None:
    assert "pixels" in refusal_of(heic_of((64, 64), says=int(MOST_PIXELS_HEIC**0.5) + 1)).reason


def test_a_heic_that_is_larger_than_its_file_says_is_refused_before_it_is_unpacked() -> None:
    assert "damaged" in refusal_of(heic_of((1200, 1200), says=100)).reason


def test_what_else_a_heic_holds_is_left() -> None:
    with_thumbnail = a_photo(kind="HEIF", thumbnails=[64], xmp=b"<x:xmpmeta>secret words</x:xmpmeta>")
    made = develop(with_thumbnail, field="photo")
    assert b"secret" in with_thumbnail
    assert (made.photo.width, made.photo.height) == (640, 480)
    holds_nothing_else(made)


@cache
def a_small_one(kind: str) -> bytes:
    return a_photo(kind=kind, size=(60, 40), place=HERE, taken="2026:11:21 08:00:00+08:00")


# Pillow warns of a camera's words that break off and goes on without them; a service logs that.
@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@seed(20261121)
@settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    kind=st.sampled_from(KINDS),
    spots=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), min_size=1, max_size=12),
    cut=st.floats(0.05, 1),
)
def test_a_spoilt_photo_is_taken_clean_or_refused(kind: str, spots: list[tuple[float, int]], cut: float) -> None:
    spoilt = bytearray(a_small_one(kind))
    for where, value in spots:
        spoilt[int(where * len(spoilt))] = value
    try:
        made = develop(bytes(spoilt[: max(1, int(cut * len(spoilt)))]), field="photo")
    except Refused:
        return
    holds_nothing_else(made)
