"""A photo that no report shows is swept out after a day; the same picture sent in that very moment is never lost."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.intake.api import make_api
from services.intake.custody import Custody
from services.intake.darkroom import BlobDarkroom, KeptPhotos
from services.intake.handlers.sweeping import sweep_photos
from services.intake.store.photos import PostgresPhotos
from services.intake.upkeep import Sweeping
from shared.runtime.auth import KeyRing
from shared.runtime.blobs import Blobs, BlobsAway, open_blobs, photo_key, thumbnail_key
from tests.fakes.photos import a_photo
from tests.integration.intake.harness import Intake
from tests.integration.intake.test_photos import Photographed
from tests.integration.intake.waiting import until

TWO_DAYS = 2 * 86_400


class HaltingBlobs(Blobs):
    """A real storage on the disk that can be made to wait before it removes anything."""

    def __init__(self, blobs: Blobs) -> None:
        super().__init__(blobs._store, folder=blobs._folder)
        self.may_delete = asyncio.Event()
        self.may_delete.set()
        self.deleting = asyncio.Event()

    async def delete(self, keys: Sequence[str]) -> None:
        if keys:
            self.deleting.set()
            await self.may_delete.wait()
        await super().delete(keys)


@dataclass(slots=True, kw_only=True)
class Store:
    """A store of photos with an API that fills it."""

    sender: Photographed
    photos: KeptPhotos
    blobs: HaltingBlobs
    custody: Custody
    intake: Intake
    folder: Path
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)

    async def send(self, colour: str) -> str:
        """The id of the photo of a new report."""
        answer = await self.sender.send(a_photo(colour=colour), text=f"路灯不亮 {colour} {time.monotonic_ns()}")
        assert answer.status_code == 201, answer.text
        photo_id = await self.intake.pool.fetchval(
            "SELECT photo_id FROM report_photo WHERE report_id = $1", answer.json()["report_id"]
        )
        return str(photo_id)

    async def lose(self, photo_id: str) -> None:
        """As if the process had died between picture and report, long ago."""
        await self.intake.pool.execute("DELETE FROM report_photo WHERE photo_id = $1", photo_id)
        await self.age(photo_id)

    async def age(self, photo_id: str) -> None:
        then = time.time() - TWO_DAYS  # noqa: TID251  the file system's clock
        for key in (photo_key(photo_id), thumbnail_key(photo_id)):
            os.utime(self.folder / key, (then, then))
        await self.intake.pool.execute("UPDATE photo_upload SET at = at - interval '2 days'")

    async def sweep(self) -> int:
        return sum([await sweep_photos(found, custody=self.custody) async for found in self.photos.listed()])

    async def lies_there(self, photo_id: str) -> tuple[bool, bool]:
        found = [await self.blobs.get(key(photo_id)) for key in (photo_key, thumbnail_key)]
        return found[0] is not None, found[1] is not None


@pytest.fixture
async def store(intake: Intake, keyring: KeyRing, tmp_path: Path) -> AsyncIterator[Store]:
    await intake.pool.execute("DELETE FROM photo_upload")
    blobs = HaltingBlobs(open_blobs(tmp_path.as_uri()))
    darkroom = BlobDarkroom(KeptPhotos(blobs, PostgresPhotos(intake.pool)))
    custody = replace(intake.custody, photos=darkroom.photos)
    api = make_api(intake.doors, keyring, intake.metrics, darkroom=darkroom)
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as http:
        yield Store(
            sender=Photographed(http, intake, tmp_path),
            photos=darkroom.photos,
            blobs=blobs,
            custody=custody,
            intake=intake,
            folder=tmp_path,
        )
    darkroom.close()


async def test_what_no_report_shows_goes_after_a_day_and_all_else_stays(store: Store) -> None:
    shown, lost, young = [await store.send(colour) for colour in ("red", "blue", "green")]
    await store.age(shown)
    await store.lose(lost)
    await store.intake.pool.execute("DELETE FROM report_photo WHERE photo_id = $1", young)
    (store.folder / "photos" / "ab").mkdir(exist_ok=True)
    (store.folder / "photos" / "ab" / "no photo.txt").write_text("somebody's note")
    before = store.intake.metrics.removed_total.labels("photos_unshown")._value.get()
    assert await store.sweep() == 1
    assert [await store.lies_there(one) for one in (shown, lost, young)] == [(True,) * 2, (False,) * 2, (True,) * 2]
    assert (store.folder / "photos" / "ab" / "no photo.txt").exists()
    assert store.intake.metrics.removed_total.labels("photos_unshown")._value.get() == before + 1
    assert await store.sweep() == 0


async def test_a_small_picture_alone_goes_too(store: Store) -> None:
    lost = await store.send("red")
    await store.lose(lost)
    (store.folder / photo_key(lost)).unlink()
    assert await store.sweep() == 1
    assert store.sender.kept() == []


async def test_the_same_picture_sent_while_it_is_removed_waits_and_is_kept_anew(store: Store) -> None:
    lost = await store.send("red")
    await store.lose(lost)
    store.blobs.may_delete.clear()
    sweep = asyncio.create_task(store.sweep())
    await store.blobs.deleting.wait()
    again = asyncio.create_task(store.send("red"))
    await until(partial(is_held_up, store.intake))
    assert not again.done()
    store.blobs.may_delete.set()
    assert (await sweep, await again) == (1, lost)
    assert await store.lies_there(lost) == (True, True)


async def test_a_picture_on_its_way_is_left_though_no_report_shows_it_yet(store: Store) -> None:
    lost = await store.send("red")
    await store.lose(lost)
    await PostgresPhotos(store.intake.pool).note([lost])
    assert await store.sweep() == 0
    assert await store.lies_there(lost) == (True, True)


async def test_many_senders_of_one_picture_and_a_sweeper_lose_nothing(store: Store) -> None:
    lost = await store.send("red")
    for _ in range(5):
        await store.lose(lost)
        sweeps = [store.sweep() for _ in range(2)]
        await asyncio.gather(*sweeps, *(store.send("red") for _ in range(3)))
        assert await store.lies_there(lost) == (True, True)


async def test_an_erased_photo_that_is_just_sent_again_stays(store: Store) -> None:
    erased = await store.send("red")
    await store.intake.pool.execute("DELETE FROM report_photo WHERE photo_id = $1", erased)
    assert await store.photos.burn([erased]) == 0
    await store.intake.pool.execute("UPDATE photo_upload SET at = at - interval '16 minutes'")
    assert await store.photos.burn([erased]) == 1
    assert await store.lies_there(erased) == (False, False)


async def test_a_storage_that_is_away_is_sat_out_and_what_it_kept_goes_later(store: Store) -> None:
    lost = await store.send("red")
    await store.lose(lost)
    sweeping = Sweeping(store.intake.doors, store.custody, AwayFirst(store.photos))
    running = asyncio.create_task(sweeping.run())
    await until(partial(is_out, sweeping))
    await until(partial(is_gone, store, lost))
    sweeping.stop()
    await asyncio.wait_for(running, 30)


async def test_notes_of_photos_that_have_arrived_are_forgotten(store: Store) -> None:
    book = PostgresPhotos(store.intake.pool)
    await store.send("red")
    assert await book.forget(most=500) == 0
    await store.intake.pool.execute("UPDATE photo_upload SET at = at - interval '16 minutes'")
    assert await book.forget(most=500) == 1


class AwayFirst:
    """A store of photos whose first page does not come."""

    def __init__(self, photos: KeptPhotos) -> None:
        self._photos = photos
        self._asked = False

    async def burn(self, photo_ids: Sequence[str]) -> int:
        return await self._photos.burn(photo_ids)

    async def forget(self, *, most: int) -> int:
        return await self._photos.forget(most=most)

    async def listed(self) -> AsyncIterator[Any]:
        if not self._asked:
            self._asked = True
            raise BlobsAway("away")
        async for page in self._photos.listed():
            yield page


async def is_held_up(intake: Intake) -> bool:
    return bool(await intake.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def is_out(sweeping: Sweeping) -> bool:
    return sweeping.outage is not None


async def is_gone(store: Store, photo_id: str) -> bool:
    return await store.lies_there(photo_id) == (False, False)
