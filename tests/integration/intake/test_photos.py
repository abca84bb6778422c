"""A report with photos over HTTP: report and photos are durable together, or refused by name and nothing is left."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.intake.api import make_api
from services.intake.darkroom import BlobDarkroom, KeptPhotos
from services.intake.store.photos import PostgresPhotos
from shared.events.parts import Place
from shared.runtime.auth import KeyRing
from shared.runtime.blobs import Blobs, open_blobs, photo_key, thumbnail_key
from tests.fakes.photos import CAMERA, a_photo
from tests.fakes.small_county import WEST_VILLAGE
from tests.integration.intake.harness import REPORT, Intake, bearer

IN_THE_WEST = Place(lon=100.5, lat=25.5)


class Photographed:
    """Intake's API with a store of photos on the disk."""

    def __init__(self, http: httpx.AsyncClient, intake: Intake, folder: Path) -> None:
        self.http, self.intake, self.folder = http, intake, folder
        self.blobs: Blobs = open_blobs(folder.as_uri())

    async def send(
        self, *photos: bytes, key: str = "hotline", headers: dict[str, str] | None = None, **changes: Any
    ) -> httpx.Response:
        report = {name: value for name, value in {**REPORT, **changes}.items() if value is not None}
        return await self.send_parts(
            [
                ("report", ("report.json", json.dumps(report), "application/json")),
                *(("photo", (f"{n}.jpg", one, "image/jpeg")) for n, one in enumerate(photos)),
            ],
            key=key,
            headers=headers,
        )

    async def send_parts(
        self, parts: Sequence[tuple[str, Any]], key: str = "hotline", headers: dict[str, str] | None = None
    ) -> httpx.Response:
        return await self.http.post("/v1/reports/with-photos", files=list(parts), headers=bearer(key) | (headers or {}))

    def kept(self) -> list[Path]:
        return [one for one in self.folder.rglob("*") if one.is_file()]

    async def opened(self, answer: httpx.Response) -> dict[str, Any]:
        assert answer.status_code == 201, answer.text
        text = await self.intake.pool.fetchval(
            "SELECT data::text FROM case_event WHERE case_id = $1 AND version = 1", answer.json()["case_id"]
        )
        found: dict[str, Any] = json.loads(text)
        return found


@pytest.fixture
async def photographed(intake: Intake, keyring: KeyRing, tmp_path: Path) -> AsyncIterator[Photographed]:
    darkroom = BlobDarkroom(KeptPhotos(open_blobs(tmp_path.as_uri()), PostgresPhotos(intake.pool)))
    api = make_api(intake.doors, keyring, intake.metrics, darkroom=darkroom)
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as http:
        yield Photographed(http, intake, tmp_path)
    darkroom.close()


async def test_report_and_photos_are_kept_without_what_the_camera_wrote(photographed: Photographed) -> None:
    answer = await photographed.send(a_photo(place=IN_THE_WEST), a_photo(kind="PNG", colour="green"))
    event = await photographed.opened(answer)
    photos = event["photos"]
    assert len(photos) == 2
    assert photos[0]["place"] == {"lon": 100.5, "lat": 25.5}
    for photo in photos:
        picture = await photographed.blobs.get(photo_key(photo["photo_id"]))
        small = await photographed.blobs.get(thumbnail_key(photo["photo_id"]))
        assert picture is not None
        assert small is not None
        assert len(picture) == photo["bytes"]
        assert CAMERA.encode() not in picture + small
    rows = await photographed.intake.pool.fetch(
        "SELECT photo_id FROM report_photo WHERE report_id = $1 ORDER BY position", answer.json()["report_id"]
    )
    assert [row["photo_id"] for row in rows] == [photo["photo_id"] for photo in photos]


async def test_a_report_without_a_place_lies_where_its_photo_was_taken(photographed: Photographed) -> None:
    taken = a_photo(place=IN_THE_WEST, taken="2026:11:20 08:00:00+08:00")
    answer = await photographed.send(a_photo(colour="red"), taken, area=None)
    event = await photographed.opened(answer)
    assert answer.json()["area"].startswith(WEST_VILLAGE)
    assert event["case"]["place"] == {"lon": 100.5, "lat": 25.5}
    assert "照片" in answer.json()["why"]["area"]


async def test_a_place_of_the_report_counts_more_than_the_photos(photographed: Photographed) -> None:
    elsewhere = a_photo(place=Place(lon=-71.0, lat=42.3))
    answer = await photographed.send(elsewhere, area=WEST_VILLAGE)
    event = await photographed.opened(answer)
    assert event["case"]["area"] == WEST_VILLAGE
    assert event["case"].get("place") is None


async def test_the_same_upload_again_is_one_case(photographed: Photographed) -> None:
    headers = {"Idempotency-Key": "with-photos"}
    first = await photographed.send(a_photo(colour="blue"), headers=headers)
    again = await photographed.send(a_photo(colour="blue"), headers=headers)
    other = await photographed.send(a_photo(colour="pink"), headers=headers)
    assert (again.text, again.headers["idempotent-replayed"]) == (first.text, "true")
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")


@pytest.mark.parametrize(
    ("parts", "named"),
    (
        ([("report", (None, json.dumps(dict(REPORT)))), ("photo", ("a.jpg", b"no photo"))], "/photo/0"),
        ([("report", (None, json.dumps(dict(REPORT)))), ("photo", ("a.jpg", a_photo()[:900]))], "/photo/0"),
        ([("report", (None, json.dumps(dict(REPORT)))), ("photo", (None, "text"))], "/photo/0"),
        ([("report", (None, json.dumps(dict(REPORT))))], "/photo"),
        ([("photo", ("a.jpg", a_photo()))], "/report"),
        ([("report", (None, "{}")), ("photo", ("a.jpg", a_photo()))], "/report/text"),
        ([("report", (None, '{"text": 5, "source": "hotline"}')), ("photo", ("a.jpg", a_photo()))], "/report/text"),
        ([("report", ("r", b"\xff\xfe")), ("photo", ("a.jpg", a_photo()))], "/report"),
        ([("report", (None, json.dumps(dict(REPORT)))), ("other", ("a.jpg", a_photo()))], "/report"),
        ([("report", (None, json.dumps({**REPORT, "area": "990101999"}))), ("photo", ("a", a_photo()))], "/area"),
    ),
)
async def test_a_wrong_part_is_named_and_nothing_is_left(
    photographed: Photographed, parts: list[tuple[str, Any]], named: str
) -> None:
    before = await photographed.intake.rows("report")
    answer = await photographed.send_parts(parts)
    assert answer.status_code == 422, answer.text
    assert named in {error["field"] for error in answer.json()["errors"]}
    assert await photographed.intake.rows("report") == before
    assert photographed.kept() == []


async def test_ten_photos_are_too_many(photographed: Photographed) -> None:
    answer = await photographed.send(*[a_photo()] * 10)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "/photo"
    assert (await photographed.send(*[a_photo()] * 40)).status_code == 400


@pytest.mark.parametrize("body", (b"", b"no parts at all", b"--x\r\n", b"--x\r\nContent-Disposition: what\r\n\r\n"))
async def test_an_upload_that_is_no_multipart_is_a_problem(photographed: Photographed, body: bytes) -> None:
    headers = bearer("hotline") | {"content-type": "multipart/form-data; boundary=x"}
    answer = await photographed.http.post("/v1/reports/with-photos", content=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert answer.headers["content-type"] == "application/problem+json"


async def test_who_sends_no_reports_sends_no_photos(photographed: Photographed) -> None:
    assert (await photographed.send(a_photo(), key="auditor")).status_code == 403
    assert (await photographed.send(a_photo(), headers={"Authorization": "Bearer x"})).status_code == 401
    assert photographed.kept() == []


async def test_an_upload_too_large_is_cut_off(photographed: Photographed) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n'
        while True:
            yield bytes(1 << 20)

    headers = bearer("hotline") | {"content-type": "multipart/form-data; boundary=x"}
    answer = await photographed.http.post("/v1/reports/with-photos", content=endless(), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")


async def test_a_store_that_is_away_answers_503_and_opens_no_case(
    intake: Intake, keyring: KeyRing, tmp_path: Path
) -> None:
    darkroom = BlobDarkroom(KeptPhotos(open_blobs(tmp_path.as_uri()), PostgresPhotos(intake.pool)))
    (tmp_path / "photos").write_text("a file where the folder should be")
    transport = httpx.ASGITransport(
        make_api(intake.doors, keyring, intake.metrics, darkroom=darkroom), raise_app_exceptions=False
    )
    before = await intake.rows("report")
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as http:
        answer = await Photographed(http, intake, tmp_path).send(a_photo())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert await intake.rows("report") == before
    darkroom.close()


async def test_without_a_store_the_answer_says_so(intake: Intake, tmp_path: Path) -> None:
    answer = await Photographed(intake.http, intake, tmp_path).send(a_photo())
    assert answer.status_code == 503
    assert "WHISTLE_BLOBS" in answer.text
