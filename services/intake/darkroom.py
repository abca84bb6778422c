"""Photos made ready and kept: the work of a processor in threads of its own, the pictures in the store of photos."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final

from services.intake.custody import PhotoBook
from services.intake.photos import MEDIA_TYPE, develop
from services.intake.ports import Developed
from shared.runtime.blobs import Blobs, photo_folders, photo_id_of, photo_key, thumbnail_key

AT_A_TIME: Final = 2
"""Photos unpacked at a time: each may take 200 MiB for a moment."""
BURNT_AT_A_TIME: Final = 50
"""Photos removed by one transaction, which waits for the storage."""
LISTED_AT_A_TIME: Final = 100


class KeptPhotos:
    """See ``custody.PhotoStore``: pictures in the storage, and the book that knows which of them are shown."""

    def __init__(self, blobs: Blobs, book: PhotoBook) -> None:
        self._blobs = blobs
        self._book = book

    async def keep(self, photos: Sequence[Developed]) -> None:
        """See ``ports.Darkroom.keep``: the small picture first, so that a photo that is there has one."""
        await self._book.note([one.photo.photo_id for one in photos])
        for one in photos:
            await self._blobs.put(thumbnail_key(one.photo.photo_id), one.small, media_type=MEDIA_TYPE)
            await self._blobs.put(photo_key(one.photo.photo_id), one.picture, media_type=MEDIA_TYPE)

    async def burn(self, photo_ids: Sequence[str]) -> int:
        """See ``custody.PhotoStore.burn``."""
        burnt = 0
        for start in range(0, len(photo_ids), BURNT_AT_A_TIME):
            async with self._book.unshown(photo_ids[start : start + BURNT_AT_A_TIME]) as gone:
                await self._blobs.delete([key(photo_id) for photo_id in gone for key in (photo_key, thumbnail_key)])
            burnt += len(gone)
        return burnt

    async def listed(self) -> AsyncIterator[Sequence[tuple[str, datetime]]]:
        """See ``custody.PhotoStore.listed``; what is no photo is passed by."""
        for folder in photo_folders():
            async for page in self._blobs.listed(folder, most=LISTED_AT_A_TIME):
                found = ((photo_id_of(key), at) for key, at in page)
                yield [(photo_id, at) for photo_id, at in found if photo_id is not None]

    async def forget(self, *, most: int) -> int:
        """See ``custody.PhotoBook.forget``."""
        return await self._book.forget(most=most)


class BlobDarkroom:
    """See ``ports.Darkroom``; who waits for a thread is bounded by the uploads that the API lets in."""

    def __init__(self, photos: KeptPhotos) -> None:
        self._photos = photos
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="darkroom")

    @property
    def photos(self) -> KeptPhotos:
        """Where the pictures lie."""
        return self._photos

    async def develop(self, upload: bytes, *, field: str) -> Developed:
        """See ``ports.Darkroom.develop``."""
        work = partial(develop, upload, field=field)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def keep(self, photos: Sequence[Developed]) -> None:
        """See ``ports.Darkroom.keep``."""
        await self._photos.keep(photos)

    def close(self) -> None:
        """Let the threads end when they have done what they have in hand."""
        self._threads.shutdown(wait=False, cancel_futures=True)
