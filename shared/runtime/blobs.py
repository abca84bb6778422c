"""Where photos lie: a folder of this machine or a bucket of any S3-compatible storage, behind one small door.

A blob is named by what it is, so that writing it twice does no harm and nobody ever changes one.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import from_url

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig, S3Config

PATIENCE: Final = timedelta(seconds=10)
"""How long one call may take with all of its repeats."""

_S3_OPTIONS: Final = ("endpoint", "region")
_PHOTO: Final = re.compile(r"photos/[0-9a-f]{2}/([0-9a-f]{64})(?:\.small)?\.jpg")
_REGION: Final = "us-east-1"
"""What storage that is not Amazon's takes when nobody names a region."""


class BlobsAway(Exception):  # noqa: N818  named for what is the matter
    """The storage does not answer, or not as it should: an outage."""


class Blobs:
    """Bytes by key, in one folder or bucket."""

    def __init__(self, store: ObjectStore, *, folder: Path | None = None) -> None:
        self._store = store
        self._folder = folder

    async def put(self, key: str, data: bytes, *, media_type: str) -> None:
        """Keep ``data`` for good: on its disk, or acknowledged by the bucket, when this returns.

        Raises:
            BlobsAway: it could not be kept.
        """
        attributes = {} if self._folder else {"Content-Type": media_type}
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await obstore.put_async(self._store, key, data, attributes=attributes, use_multipart=False)
                if self._folder is not None:
                    await asyncio.to_thread(_to_disk, self._folder, key)
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def get(self, key: str) -> bytes | None:
        """What was kept under ``key``; None when nothing is.

        Raises:
            BlobsAway: nobody can say.
        """
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                found = await obstore.get_async(self._store, key)
                return bytes(await found.bytes_async())
        except FileNotFoundError:
            return None
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def listed(self, folder: str, *, most: int) -> AsyncIterator[Sequence[tuple[str, datetime]]]:
        """The keys below ``folder`` and when each was last written, ``most`` at a time, in any order.

        Raises:
            BlobsAway: nobody can say.
        """
        pages = obstore.list(self._store, folder, chunk_size=most)
        try:
            # In a thread: a page that is awaited may call into an interpreter that is ending.
            while page := await asyncio.to_thread(next, pages, ()):
                yield [(one["path"], one["last_modified"]) for one in page]
        except (BaseError, OSError) as error:
            raise _away(error) from error

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove what is kept under ``keys``; one that is not there is no fault.

        Raises:
            BlobsAway: it could not be removed; some may be gone.
        """
        for key in keys:
            try:
                async with asyncio.timeout(PATIENCE.total_seconds()):
                    await obstore.delete_async(self._store, key)
            except FileNotFoundError:
                continue
            except (BaseError, OSError) as error:
                raise _away(error) from error


def open_blobs(address: str) -> Blobs:
    """The storage at ``file:///folder`` or ``s3://bucket/prefix?endpoint=https://host&region=name``.

    A folder is made when it is not there. Who may use a bucket stands in the environment as everywhere:
    ``AWS_ACCESS_KEY_ID`` and ``AWS_SECRET_ACCESS_KEY``.

    Raises:
        ValueError: it is no such address; says what is wrong and what is allowed.
    """
    parts = urlsplit(address)
    if parts.scheme == "file" and not parts.netloc and not parts.query and parts.path.strip("/"):
        folder = Path(unquote(parts.path))
        folder.mkdir(parents=True, exist_ok=True)
        return Blobs(from_url(folder.as_uri(), mkdir=True), folder=folder)
    if parts.scheme == "s3" and parts.netloc:
        return Blobs(_bucket(parts.netloc + parts.path, dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))))
    raise ValueError(f"{address!r} is no place for photos: write file:///folder or s3://bucket?endpoint=https://host")


def photo_key(photo_id: str) -> str:
    """Where a photo lies, by the SHA-256 of its bytes."""
    return f"photos/{photo_id[:2]}/{photo_id}.jpg"


def thumbnail_key(photo_id: str) -> str:
    """Where the small picture of a photo lies."""
    return f"photos/{photo_id[:2]}/{photo_id}.small.jpg"


def photo_id_of(key: str) -> str | None:
    """The photo that lies under ``key``, or whose small picture does; None when it is no photo's."""
    found = _PHOTO.fullmatch(key)
    return None if found is None else found[1]


def photo_folders() -> Sequence[str]:
    """The folders in which photos lie, each with a 256th of them."""
    return [f"photos/{number:02x}" for number in range(256)]


def _bucket(path: str, options: dict[str, str]) -> ObjectStore:
    unknown = sorted(options.keys() - set(_S3_OPTIONS))
    if unknown:
        raise ValueError(f"s3 takes no {unknown[0]}; allowed: {', '.join(_S3_OPTIONS)}")
    endpoint = options.get("endpoint", "")
    config: S3Config = {"region": options.get("region", _REGION)}
    if endpoint:
        config["endpoint"] = endpoint
    client: ClientConfig = {"allow_http": endpoint.startswith("http://"), "timeout": PATIENCE, "connect_timeout": "3s"}
    retry: RetryConfig = {"max_retries": 3, "retry_timeout": PATIENCE}
    return from_url(f"s3://{path}", config=config, client_options=client, retry_config=retry)


def _to_disk(folder: Path, key: str) -> None:
    """Wait until file and name are on the disk: the store renames a finished file, and syncs neither."""
    path = folder / key
    for one in (path, path.parent):
        handle = os.open(one, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _away(error: Exception) -> BlobsAway:
    return BlobsAway(f"{type(error).__name__}")
