"""Photos on a real disk and in a real S3 API: kept, found, gone, and words when the storage is away."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from moto.server import ThreadedMotoServer

from shared.runtime.blobs import Blobs, BlobsAway, open_blobs, photo_id_of, photo_key, thumbnail_key
from shared.runtime.clock import utc_now

JPEG = "image/jpeg"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    endpoint = f"http://{host}:{port}"
    httpx.put(f"{endpoint}/photos").raise_for_status()
    yield endpoint
    server.stop()


@pytest.fixture(params=("disk", "s3"))
def blobs(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Blobs:
    if request.param == "disk":
        return open_blobs(f"{(tmp_path / 'a folder').as_uri()}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    return open_blobs(f"s3://photos/county?endpoint={request.getfixturevalue('s3')}")


async def test_what_is_kept_is_found_until_it_is_removed(blobs: Blobs) -> None:
    data = secrets.token_bytes(300_000)
    key = photo_key(hashlib.sha256(data).hexdigest())
    assert await blobs.get(key) is None
    await blobs.put(key, data, media_type=JPEG)
    await blobs.put(key, data, media_type=JPEG)
    assert await blobs.get(key) == data
    await blobs.delete([key])
    await blobs.delete([key])
    assert await blobs.get(key) is None


async def test_many_at_once_do_not_mix(blobs: Blobs) -> None:
    wanted = {photo_key(hashlib.sha256(bytes([n])).hexdigest()): bytes([n]) * 1000 for n in range(40)}
    await asyncio.gather(*(blobs.put(key, data, media_type=JPEG) for key, data in wanted.items()))
    found = await asyncio.gather(*(blobs.get(key) for key in wanted))
    assert dict(zip(wanted, found, strict=True)) == wanted


async def test_a_second_door_finds_what_the_first_kept(tmp_path: Path) -> None:
    await open_blobs(tmp_path.as_uri()).put("photos/a", b"1", media_type=JPEG)
    assert await open_blobs(tmp_path.as_uri()).get("photos/a") == b"1"


async def test_a_bucket_that_is_away_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "made-up")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "made-up")
    blobs = open_blobs("s3://photos?endpoint=http://127.0.0.1:9")
    with pytest.raises(BlobsAway):
        await blobs.put("photos/a", b"1", media_type=JPEG)
    with pytest.raises(BlobsAway):
        await blobs.get("photos/a")


async def test_a_folder_that_cannot_be_written_is_an_outage(tmp_path: Path) -> None:
    blobs = open_blobs(tmp_path.as_uri())
    (tmp_path / "photos").write_text("a file where a folder should be")
    with pytest.raises(BlobsAway):
        await blobs.put("photos/a/b", b"1", media_type=JPEG)


@pytest.mark.parametrize(
    ("address", "says"),
    (
        ("photos", "file:///folder"),
        ("file://", "file:///folder"),
        ("file:///", "file:///folder"),
        ("file:///photos?a=b", "file:///folder"),
        ("ftp://host/photos", "file:///folder"),
        ("s3://", "file:///folder"),
        ("s3://photos?secret=1", "takes no secret; allowed: endpoint, region"),
    ),
)
def test_an_address_that_is_none_says_what_is_allowed(address: str, says: str) -> None:
    with pytest.raises(ValueError, match=r"allowed|write") as refusal:
        open_blobs(address)
    assert says in str(refusal.value)


def test_a_photo_and_its_small_picture_lie_side_by_side() -> None:
    photo_id = "ab" * 32
    assert photo_key(photo_id).startswith("photos/ab/")
    assert thumbnail_key(photo_id) != photo_key(photo_id)


async def test_what_lies_in_a_folder_is_listed_with_when_it_was_written(blobs: Blobs) -> None:
    ids = [hashlib.sha256(bytes([n])).hexdigest() for n in range(25)]
    folders = {one[:2] for one in ids}
    for one in ids:
        await blobs.put(photo_key(one), b"1", media_type=JPEG)
        await blobs.put(thumbnail_key(one), b"1", media_type=JPEG)
    pages = [page for folder in folders async for page in blobs.listed(f"photos/{folder}", most=3)]
    assert all(len(page) <= 3 for page in pages)
    found = [(photo_id_of(key), at) for page in pages for key, at in page]
    assert sorted(one for one, _ in found if one in ids) == sorted([*ids, *ids])
    assert all(abs(utc_now() - at) < timedelta(minutes=5) for _, at in found)
    assert [page async for page in blobs.listed("photos/nothing", most=3)] == []


@pytest.mark.parametrize("key", ("photos/ab/x.jpg", "other", f"photos/ab/{'0' * 64}.txt", f"photos/{'0' * 64}.jpg"))
def test_what_is_no_photo_has_no_id(key: str) -> None:
    assert photo_id_of(key) is None
