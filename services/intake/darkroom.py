"""Photos made ready and kept: the work of a processor in threads of its own, the pictures in the store of photos."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from services.intake.photos import MEDIA_TYPE, develop
from services.intake.ports import Developed
from shared.runtime.blobs import Blobs, photo_key, thumbnail_key

AT_A_TIME: Final = 2
"""Photos unpacked at a time: each may take 200 MiB for a moment."""


class BlobDarkroom:
    """See ``ports.Darkroom``; who waits for a thread is bounded by the uploads that the API lets in."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._threads = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="darkroom")

    @property
    def blobs(self) -> Blobs:
        """Where the pictures lie."""
        return self._blobs

    async def develop(self, upload: bytes, *, field: str) -> Developed:
        """See ``ports.Darkroom.develop``."""
        work = partial(develop, upload, field=field)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def keep(self, photos: Sequence[Developed]) -> None:
        """See ``ports.Darkroom.keep``: the small picture first, so that a photo that is there has one."""
        for one in photos:
            await self._blobs.put(thumbnail_key(one.photo.photo_id), one.small, media_type=MEDIA_TYPE)
            await self._blobs.put(photo_key(one.photo.photo_id), one.picture, media_type=MEDIA_TYPE)

    def close(self) -> None:
        """Let the threads end when they have done what they have in hand."""
        self._threads.shutdown(wait=False, cancel_futures=True)
