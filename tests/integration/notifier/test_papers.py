"""A case as a CAP warning, its photos, and what waits for somebody's word."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from capvalidator import check_schema, get_dates

from shared.events.case import (
    CaseExtended,
    CaseExtensionBacked,
    CaseHandedOver,
    CaseHung,
    CaseMerged,
    CaseRefused,
    CaseReportJoined,
    CaseSupervisionReplied,
    CaseSupervisionSigned,
)
from shared.events.parts import Alike, Guess, Held, Photo, Place
from shared.events.sla import Moved
from shared.runtime.blobs import open_blobs, photo_key, thumbnail_key
from shared.vocabulary import CaseState, ClockKind, EmergencyService, Purpose, RefusalCode, Severity, Source
from tests.fakes.notifier import Life, department, whole_life
from tests.integration.notifier.harness import OTHER_VILLAGE, VILLAGE, House, bearer, house

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"
JPEG = b"\xff\xd8\xff\xe0 a photo"
PHOTO = Photo(photo_id=hashlib.sha256(JPEG).hexdigest(), media_type="image/jpeg", width=8, height=6, bytes=len(JPEG))


async def cap(notifier: House, life: Life) -> ET.Element:
    """The case as a warning, which the validator accepts."""
    answer = await notifier.client.get(f"/v1/cases/{life.case_id}/cap", headers=bearer("town"))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/cap+xml")
    result = check_schema(answer.content)
    assert result.passed, (result.message, answer.text)
    return ET.fromstring(answer.content)  # noqa: S314  our own answer


def text(alert: ET.Element, path: str) -> str | None:
    return alert.findtext("/".join(f"{CAP}{part}" for part in path.split("/")))


async def test_a_cases_life_is_an_alert_its_updates_and_its_cancel(notifier: House) -> None:
    life = Life(
        name="cap", area=VILLAGE, severity=Severity.II, title="<主管>爆裂 & 塌陷", place=Place(lon=117.01, lat=36.2)
    )
    await notifier.tell(life.events)
    first = await cap(notifier, life)
    assert [text(first, name) for name in ("msgType", "status", "scope")] == ["Alert", "Actual", "Restricted"]
    assert (text(first, "info/severity"), text(first, "info/headline")) == ("Severe", "<主管>爆裂 & 塌陷")
    assert text(first, "info/area/circle") == "36.200000,117.010000 0.0"
    assert text(first, "info/area/geocode/value") == VILLAGE
    told = len(life.events)
    life.sign(life.order(department("water")))
    await notifier.tell(life.events[told:])
    update = await cap(notifier, life)
    assert text(update, "msgType") == "Update"
    named = ",".join(text(first, name) or "" for name in ("sender", "identifier", "sent"))
    assert text(update, "references") == named
    assert text(update, "identifier") != text(first, "identifier")
    told = len(life.events)
    life.close()
    await notifier.tell(life.events[told:])
    cancel = await cap(notifier, life)
    assert (text(cancel, "msgType"), text(cancel, "references")) == ("Cancel", named)
    assert text(cancel, "info/urgency") == "Past"


async def test_a_drill_is_an_exercise_and_what_nobody_filed_a_draft(notifier: House) -> None:
    drill = Life(name="cap-drill", area=VILLAGE, purpose=Purpose.DRILL)
    unread = Life(name="cap-unread", area=VILLAGE, state=CaseState.RECEIVED)
    await notifier.tell([*drill.events, *unread.events])
    assert text(await cap(notifier, drill), "status") == "Exercise"
    assert text(await cap(notifier, unread), "status") == "Draft"


@pytest.mark.parametrize("severity", tuple(Severity))
async def test_every_grade_and_every_sign_gives_a_valid_warning(notifier: House, severity: Severity) -> None:
    life = whole_life(f"cap-{severity}", area=VILLAGE)
    odd = Life(name=f"odd-{severity}", area=VILLAGE, severity=severity, title="\u000b]]>&\ufffe\U0001f525" * 4)
    await notifier.tell([*life.events, *odd.events])
    await cap(notifier, life)
    alert = await cap(notifier, odd)
    assert text(alert, "info/severity") == ["Extreme", "Severe", "Moderate", "Minor"][severity - 1]
    sent = get_dates(ET.tostring(alert)).sent
    assert sent.endswith("+08:00")


async def test_another_towns_warning_is_not_there(notifier: House) -> None:
    life = Life(name="cap-theirs", area=OTHER_VILLAGE)
    await notifier.tell(life.events)
    await notifier.get("town", f"/v1/cases/{life.case_id}/cap", status=404)
    await notifier.get("source", f"/v1/cases/{life.case_id}/cap", status=403)


async def test_a_photo_is_seen_by_whoever_may_see_its_case(dsn: str, tmp_path: Path) -> None:
    place = f"file://{tmp_path}/photos"
    blobs = open_blobs(place)
    await blobs.put(photo_key(PHOTO.photo_id), JPEG, media_type="image/jpeg")
    await blobs.put(thumbnail_key(PHOTO.photo_id), b"small", media_type="image/jpeg")
    gone = "ab" * 32
    async with house(dsn, blobs=place) as notifier:
        life = Life(name="photo", area=VILLAGE, photos=(PHOTO, Photo(**{**_fields(PHOTO), "photo_id": gone})))
        other = Life(name="no-photo", area=VILLAGE)
        await notifier.tell([*life.events, *other.events])
        url = f"/v1/cases/{life.case_id}/photos/{PHOTO.photo_id}"
        answer = await notifier.client.get(url, headers=bearer("town"))
        assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, JPEG, "image/jpeg")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"].startswith("private")
        small = await notifier.client.get(f"{url}?thumb=true", headers=bearer("town"))
        assert small.content == b"small"
        again = await notifier.client.get(url, headers={**bearer("town"), "If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        for key in ("other", "power"):
            await notifier.get(key, url, status=404)
        await notifier.get("town", f"/v1/cases/{other.case_id}/photos/{PHOTO.photo_id}", status=404)
        await notifier.get("town", f"/v1/cases/{life.case_id}/photos/{gone}", status=404)
        await notifier.get("town", f"/v1/cases/{life.case_id}/photos/..%2F..%2Fetc", status=404)
        assert (await notifier.client.get(url)).status_code == 401


def _fields(photo: Photo) -> dict[str, Any]:
    return {name: getattr(photo, name) for name in ("media_type", "width", "height", "bytes")}


async def test_without_a_place_for_photos_it_says_so(notifier: House) -> None:
    life = Life(name="nowhere", area=VILLAGE, photos=(PHOTO,))
    await notifier.tell(life.events)
    away = await notifier.get("town", f"/v1/cases/{life.case_id}/photos/{PHOTO.photo_id}", status=503)
    assert "WHISTLE_BLOBS" in away["detail"]


async def test_what_waits_for_a_word_is_listed_and_counted(notifier: House) -> None:
    alike = Alike(case_id=uuid4(), score=0.7, why="同一小区")
    unread = Life(name="unread", area=VILLAGE, state=CaseState.RECEIVED, alike=(alike,))
    asking = Life(name="asking", area=VILLAGE)
    order = asking.order(department("water"))
    asking.sign(order)
    extension = asking.extend(order)
    danger = Life(name="danger", area=VILLAGE)
    danger.tell(CaseHandedOver, service=EmergencyService.FIRE, words=("起火",))
    await notifier.tell([*unread.events, *asking.events, *danger.events])
    listed = await notifier.get("town", "/v1/cases?waits=file,receipt")
    assert {one["case_id"]: one["waits"] for one in listed["cases"]} == {
        str(unread.case_id): ["file", "alike"],
        str(danger.case_id): ["receipt"],
    }
    counts = (await notifier.get("town", "/v1/summary"))["waits"]
    assert (counts["file"], counts["receipt"], counts["extension"], counts["appeal"]) == (1, 1, 1, 0)
    told = len(asking.events)
    asking.tell(CaseExtensionBacked, extension_id=extension, order_id=order.order_id)
    asking.tell(CaseExtended, view={"extensions": 1}, extension_id=extension, order_id=order.order_id, to=asking.now)
    await notifier.tell(asking.events[told:])
    assert (await notifier.get("town", "/v1/cases?waits=extension"))["cases"] == []
    wrong = await notifier.get("town", "/v1/cases?waits=rain", status=422)
    assert "sign_off" in wrong["errors"][0]["allowed"]


async def test_a_story_says_how_a_report_was_understood_and_what_became_of_it(notifier: House) -> None:
    guess = Guess(category="01.002", confidence=0.62, words=("停水",), second="02.001", second_confidence=0.2)
    life = Life(name="understood", area=VILLAGE, guess=guess, alike=(Alike(case_id=uuid4(), score=0.7, why="近"),))
    life.tell(
        CaseReportJoined,
        view={"reports": 2, "mass": True},
        report_id=uuid4(),
        source=Source.RESIDENT,
        text="也没水",
        why="同一小区",
        photos=(PHOTO,),
    )
    water, power = life.order(department("water")), life.order(department("power"))
    supervision = life.supervise(department("water"))
    life.tell(CaseSupervisionReplied, supervision_id=supervision, reply="今晚修好")
    life.extend(power)
    await notifier.tell(life.events)
    story = await notifier.get("town", f"/v1/cases/{life.case_id}")
    understood = story["understood"]
    assert (understood["guess"]["name"]["zh"], understood["guess"]["confidence"]) == ("停水与水压不足", 0.62)
    assert (understood["words"], understood["second"]["category"]) == (["停水"], "02.001")
    assert [one["text"] for one in story["reports"]["joined"]] == ["也没水"]
    assert [one["photo_id"] for one in story["reports"]["photos"]] == [PHOTO.photo_id]
    assert (story["case"]["mass"], story["case"]["reports"]) == (True, 2)
    assert story["case"]["waits"] == ["alike", "extension", "sign_off"]
    theirs = await notifier.get("water", f"/v1/cases/{life.case_id}")
    assert [one["reply"] for one in theirs["requests"]["supervisions"]] == ["今晚修好"]
    assert (theirs["requests"]["extensions"], theirs["reports"]["joined"]) == ([], [])
    others = await notifier.get("power", f"/v1/cases/{life.case_id}")
    assert others["requests"]["supervisions"] == []
    assert len(others["requests"]["extensions"]) == 1
    assert [entry for entry in others["timeline"] if "supervis" in entry["type"]] == []
    assert water.order_id not in {one["order_id"] for one in others["orders"]}


async def test_a_case_that_stands_still_is_never_late_and_goes_on_where_it_stopped(notifier: House) -> None:
    life = Life(name="still", area=VILLAGE, now=notifier.clock() - timedelta(hours=2))
    order = life.order(department("water"))
    life.sign(order)
    handle = life.clock(order, ClockKind.HANDLE, minutes=60)
    life.start(handle)
    life.pause(order)
    await notifier.tell(life.events)
    assert (await notifier.get("town", "/v1/cases?late=true"))["cases"] == []
    assert (await notifier.get("town", "/v1/summary"))["late_clocks"] == 0
    story = await notifier.get("town", f"/v1/cases/{life.case_id}")
    left = (handle.due_at - life.view.held.since).total_seconds() if life.view.held else 0
    (clock,) = story["clocks"]
    assert (clock["still"], clock["seconds_left"]) == (True, left)
    assert (story["case"]["clock"]["still"], story["case"]["clock"]["left_seconds"]) == (True, left)
    assert story["reports"]["paused_for"]["zh"]
    told = len(life.events)
    life.now = notifier.clock()
    moved = life.resume(handle)
    await notifier.tell(life.events[told:])
    story = await notifier.get("town", f"/v1/cases/{life.case_id}")
    assert story["case"]["clock"]["due_at"] == moved.due_at.isoformat().replace("+00:00", "Z")
    assert story["case"]["clock"]["still"] is False
    assert any(entry["type"] == "whistle.sla.moved.v1" for entry in story["timeline"])


async def test_a_hung_cases_assistants_stand_still_too(notifier: House) -> None:
    life = Life(name="hung", area=VILLAGE, now=notifier.clock() - timedelta(hours=2))
    order = life.order(department("water"))
    life.start(life.clock(order, minutes=10))
    until = notifier.clock() + timedelta(days=90)
    life.tell(
        CaseHung,
        view={"state": CaseState.HUNG, "held": Held(code="hung", since=life.now, until=until, hung=True)},
        until=until,
        reason="待拆迁",
    )
    await notifier.tell(life.events)
    assert (await notifier.get("town", "/v1/cases?late=true"))["cases"] == []
    (line,) = (await notifier.get("town", "/v1/cases?state=hung"))["cases"]
    assert (line["held"]["hung"], line["clock"]["still"]) == (True, True)


async def test_cases_that_ended_are_in_no_count_of_open_ones(notifier: House) -> None:
    refused, merged = Life(name="refused-count", area=VILLAGE), Life(name="merged-count", area=VILLAGE)
    refused.tell(
        CaseRefused, view={"state": CaseState.REFUSED}, code=RefusalCode.ABUSE, reason="广告", words="不受理广告"
    )
    merged.tell(CaseMerged, view={"state": CaseState.MERGED, "master": uuid4()}, into=uuid4(), reason="同")
    await notifier.tell([*refused.events, *merged.events])
    counts = await notifier.get("town", "/v1/summary")
    assert (counts["cases"]["refused"], counts["cases"]["merged"], counts["open_by_severity"]) == (1, 1, {})


async def test_an_extension_moves_the_limit_that_is_shown(notifier: House) -> None:
    life = Life(name="extended", area=VILLAGE, now=notifier.clock())
    order = life.order(department("water"))
    life.sign(order)
    handle = life.clock(order, ClockKind.HANDLE, minutes=60)
    life.start(handle)
    moved = life.move(handle, handle.due_at + timedelta(days=2), Moved.EXTENDED)
    await notifier.tell(life.events)
    story = await notifier.get("town", f"/v1/cases/{life.case_id}")
    assert story["clocks"][0]["due_at"] == moved.due_at.isoformat().replace("+00:00", "Z")


async def test_a_supervision_that_is_signed_off_waits_for_nobody(notifier: House) -> None:
    life = Life(name="signed-off", area=VILLAGE)
    life.order(department("water"))
    supervision = life.supervise(department("water"))
    await notifier.tell(life.events)
    assert (await notifier.get("town", f"/v1/cases/{life.case_id}"))["case"]["waits"] == ["reply"]
    told = len(life.events)
    life.tell(CaseSupervisionReplied, supervision_id=supervision, reply="已办")
    life.tell(CaseSupervisionSigned, supervision_id=supervision)
    await notifier.tell(life.events[told:])
    assert (await notifier.get("town", f"/v1/cases/{life.case_id}"))["case"]["waits"] == []
