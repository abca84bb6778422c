"""Warnings by CAP 1.2 over HTTP: a chain of messages is one case; whatever else XML can be is refused in words."""

from __future__ import annotations

import asyncio
import json
import resource
import time
from typing import Any
from uuid import uuid4

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from services.intake.api import make_api
from services.intake.handlers import Doors
from services.intake.metrics import Metrics
from shared.runtime.auth import KeyRing
from tests.fakes.cap_messages import SENDER, SENT, cap
from tests.fakes.intake import FakeCaseStore, FakePlaybooks, FakeVault, ToldClock
from tests.fakes.small_county import COUNTY, EAST_VILLAGE, WEST_VILLAGE, small_county
from tests.integration.intake.harness import KEYS, Intake, bearer


def refer(identifier: str) -> str:
    return f"{SENDER},{identifier},{SENT}"


async def post(intake: Intake, body: bytes, key: str = "hotline", kind: str = "application/cap+xml") -> httpx.Response:
    return await intake.http.post("/v1/cap", content=body, headers=bearer(key) | {"content-type": kind})


async def view_of(intake: Intake, case_id: str) -> dict[str, Any]:
    text = await intake.pool.fetchval(
        "SELECT (snapshot->'view')::text FROM case_snapshot WHERE case_id = $1::uuid", case_id
    )
    found: dict[str, Any] = json.loads(text)
    return found


async def notes_of(intake: Intake, case_id: str) -> list[str]:
    rows = await intake.pool.fetch(
        "SELECT data->>'kind' AS kind FROM case_event WHERE case_id = $1::uuid AND type = 'whistle.case.noted.v1'"
        " ORDER BY version",
        case_id,
    )
    return [row["kind"] for row in rows]


async def test_an_alert_its_updates_and_its_cancel_are_one_case(intake: Intake) -> None:
    name = str(uuid4())
    first = (await post(intake, cap(name, severity="Minor", parameter=""))).json()
    assert first["outcome"] == "opened"
    assert (await view_of(intake, first["case_id"]))["severity"] == 4

    update = cap(f"{name}-2", "Update", refer(name), severity="Severe", words="暴雨红色预警", parameter="")
    assert (await post(intake, update)).json() == {"outcome": "noted", "case_id": first["case_id"]}
    assert (await post(intake, update)).json() == {"outcome": "known", "case_id": first["case_id"]}
    assert (await view_of(intake, first["case_id"]))["severity"] == 2

    # the second update names the first one alone
    again = cap(f"{name}-3", "Update", refer(f"{name}-2"), severity="Minor", parameter="")
    assert (await post(intake, again)).json()["case_id"] == first["case_id"]
    assert (await view_of(intake, first["case_id"]))["severity"] == 2

    cancel = cap(f"{name}-4", "Cancel", refer(f"{name}-3"))
    assert (await post(intake, cancel)).json() == {"outcome": "noted", "case_id": first["case_id"]}
    assert (await view_of(intake, first["case_id"]))["state"] == "opened"
    assert await notes_of(intake, first["case_id"]) == ["updated", "updated", "alert_resolved"]


async def test_the_same_alert_again_is_the_same_case(intake: Intake) -> None:
    name = str(uuid4())
    answers = await asyncio.gather(*(post(intake, cap(name)) for _ in range(5)))
    assert len({answer.json()["case_id"] for answer in answers}) == 1
    assert sorted(answer.json()["outcome"] for answer in answers).count("opened") == 1


async def test_an_update_of_what_never_came_opens_the_case_and_the_late_alert_finds_it(intake: Intake) -> None:
    name = str(uuid4())
    update = (await post(intake, cap(f"{name}-2", "Update", refer(name)))).json()
    assert update["outcome"] == "opened"
    assert (await post(intake, cap(name))).json() == {"outcome": "known", "case_id": update["case_id"]}


async def test_a_warning_and_its_update_by_two_keys_at_one_instant_are_one_case_as_grave_as_the_graver(
    intake: Intake,
) -> None:
    for _ in range(8):
        name = str(uuid4())
        update = cap(f"{name}-2", "Update", refer(name), severity="Extreme", words="暴雨红色预警", parameter="")
        answers = await asyncio.gather(
            post(intake, cap(name, severity="Minor", parameter="")), post(intake, update, key="west source")
        )
        (case_id,) = {answer.json()["case_id"] for answer in answers}
        assert (await view_of(intake, case_id))["severity"] == 1
        assert (await post(intake, update)).json() == {"outcome": "known", "case_id": case_id}


async def test_a_cancel_of_what_never_came_opens_nothing(intake: Intake) -> None:
    before = await intake.rows("report")
    name = str(uuid4())
    answer = await post(intake, cap(f"{name}-2", "Cancel", refer(name)))
    assert (answer.status_code, answer.json()) == (200, {"outcome": "nothing_open", "case_id": None})
    assert await intake.rows("report") == before


@pytest.mark.parametrize("kind", ("Ack", "Error"))
async def test_messages_about_messages_change_nothing(intake: Intake, kind: str) -> None:
    before = await intake.rows("report")
    answer = await post(intake, cap(str(uuid4()), kind, refer("a")))
    assert (answer.status_code, answer.json()["outcome"]) == (200, "known")
    assert await intake.rows("report") == before


@pytest.mark.parametrize(("severity", "grade"), (("Severe", 2), ("Moderate", 3), ("Minor", 4)))
async def test_severities_are_grades(intake: Intake, severity: str, grade: int) -> None:
    answer = await post(intake, cap(str(uuid4()), severity=severity, parameter="", words=f"{severity} 大风"))
    assert (await view_of(intake, answer.json()["case_id"]))["severity"] == grade


AREAS = (
    ("a code", f"<geocode><valueName>area</valueName><value>{EAST_VILLAGE}</value></geocode>", EAST_VILLAGE),
    ("a polygon", "<polygon>25.2,101.2 25.2,101.8 25.8,101.8 25.8,101.2 25.2,101.2</polygon>", EAST_VILLAGE),
    ("a hollow one", "<polygon>25.1,100.1 25.1,100.9 25.9,100.9 25.15,100.2 25.1,100.1</polygon>", WEST_VILLAGE),
    ("a circle", "<circle>25.5,100.5 12.5</circle>", WEST_VILLAGE),
    ("nothing", "", COUNTY),
)


@pytest.mark.parametrize(("area", "found"), [case[1:] for case in AREAS], ids=[case[0] for case in AREAS])
async def test_the_area_is_a_code_a_point_inside_or_the_senders(intake: Intake, area: str, found: str) -> None:
    answer = await post(intake, cap(str(uuid4()), area=area, words=f"大风 {found}"))
    assert answer.status_code == 200, answer.text
    assert (await view_of(intake, answer.json()["case_id"]))["area"].startswith(found)


async def test_an_exercise_is_a_drill_and_taken_only_where_one_is_in_force(intake: Intake) -> None:
    answer = await post(intake, cap(str(uuid4()), status="Exercise"))
    assert answer.status_code == 422
    assert "drill" in answer.text


BOMB = b"""<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa">%s]><alert>&j;</alert>""" % b"".join(
    b'<!ENTITY %c "&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;&%c;">' % (b, *([b - 1] * 10)) for b in b"bcdefghij"
)
XXE = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><alert>&x;</alert>'
REMOTE = b'<!DOCTYPE alert SYSTEM "http://127.0.0.1:9/x.dtd"><alert/>'
NS = b'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
WRONG = (
    ("a bomb", BOMB, "/", "entities"),
    ("an external entity", XXE, "/", "entities"),
    ("a document type elsewhere", REMOTE, "/", "could make a reader open files"),
    ("a deep nest", NS + b"<a>" * 50_000, "/", "8 deep"),
    ("too many elements", NS + b"<a/>" * 50_000 + b"</alert>", "/", "4000 elements"),
    ("no XML", b"not xml", "/", "line 1, column 1: "),
    ("half of it", cap("half")[:200], "/", "line 3, column "),
    ("nothing", b"", "/", "XML"),
    ("an unknown encoding", b'<?xml version="1.0" encoding="klingon"?><alert/>', "/", "GB18030"),
    ("UTF-16 that is none", b'<?xml version="1.0" encoding="UTF-16"?><alert/>', "/", "XML"),
    ("another document", b"<html/>", "/", "cap:1.2"),
    ("CAP 1.1", cap("old").replace(b"cap:1.2", b"cap:1.1"), "/", "cap:1.2"),
    ("no identifier", cap(""), "/identifier", "this is missing"),
    ("an identifier with a comma", cap("a,b"), "/identifier", "comma"),
    ("a time without offset", cap("t", sent="2026-11-21T08:00:00"), "/sent", "offset"),
    ("a time that is none", cap("t", sent="2026-13-21T08:00:00+08:00"), "/sent", "offset"),
    ("an unknown kind", cap("k", "Shout"), "/msgType", "Update"),
    ("an unknown status", cap("k", status="Maybe"), "/status", "Exercise"),
    ("a test", cap("k", status="Test"), "/status", "Actual"),
    ("a draft", cap("k", status="Draft"), "/status", "Actual"),
    ("a system's message", cap("k", status="System"), "/status", "Actual"),
    ("an unknown severity", cap("k", severity="Terrible"), "/info/severity", "Extreme"),
    ("half a reference", cap("k", "Update", "only-a-name"), "/references", "sender,identifier,sent"),
    ("a polygon of words", cap("k", area="<polygon>here and there</polygon>"), "/info/area/polygon", "lat,lon"),
    ("an open polygon", cap("k", area="<polygon>25,100 25,101 26,101</polygon>"), "/info/area/polygon", "4 or more"),
    ("a place off the earth", cap("k", area="<circle>95,100 1</circle>"), "/info/area/circle", "90"),
    ("a place in nan", cap("k", area="<circle>nan,100 1</circle>"), "/info/area/circle", "90"),
    ("a place elsewhere", cap("k", area="<circle>1,1 1</circle>"), "/place", "小县"),
    ("an area of words", cap("k", area="<geocode><valueName>area</valueName><value>西村</value></geocode>"),
     "/info/area/geocode", "digits"),
    ("no words", cap("k", words="", area="").replace("西镇".encode(), b""), "/info", "event"),
)  # fmt: skip


@pytest.mark.parametrize(("body", "named", "says"), [one[1:] for one in WRONG], ids=[one[0] for one in WRONG])
async def test_what_is_wrong_is_named_at_once_and_opens_nothing(
    intake: Intake, body: bytes, named: str, says: str
) -> None:
    before, began, worked = await intake.rows("report"), time.monotonic(), time.process_time()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    answer = await post(intake, body)
    assert answer.status_code == 422, answer.text
    assert named in {error["field"] for error in answer.json()["errors"]}
    assert says in answer.text
    assert "root:" not in answer.text
    assert await intake.rows("report") == before
    assert time.process_time() - worked < 2, "of the processor: others may be at work beside"
    assert time.monotonic() - began < 30, "nobody outside is asked"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 64 * 1024


@pytest.mark.parametrize("encoding", ("GB18030", "gb2312", "UTF-16"))
async def test_an_encoding_is_read_as_the_message_declares_it(intake: Intake, encoding: str) -> None:
    body = cap(str(uuid4()), words=f"大风蓝色预警 {encoding}").decode().replace("UTF-8", encoding).encode(encoding)
    answer = await post(intake, body)
    assert answer.status_code == 200, answer.text
    assert "大风蓝色预警" in (await view_of(intake, answer.json()["case_id"]))["title"]


async def test_bytes_that_are_not_as_declared_are_refused(intake: Intake) -> None:
    body = cap("x").replace(b"UTF-8", b"GB18030").replace("西镇".encode(), b"\xff\xff")
    assert (await post(intake, body)).status_code == 422


async def test_other_bodies_and_keys_are_refused(intake: Intake) -> None:
    assert (await post(intake, cap("x"), kind="application/json")).status_code == 415
    assert (await post(intake, b" " * 300_000)).status_code == 413
    assert (await post(intake, cap("x"), key="auditor")).status_code == 403
    assert (
        await intake.http.post("/v1/cap", content=cap("x"), headers={"content-type": "text/xml"})
    ).status_code == 401


FUZZED = make_api(
    Doors(store=FakeCaseStore(), playbooks=FakePlaybooks(small_county()), vault=FakeVault(), clock=ToldClock()),
    KeyRing([made.key for made in KEYS.values()]),
    Metrics(),
)
FIELD = st.one_of(st.text(max_size=20), st.sampled_from(("", "Alert", "Update", "a,b,c", SENT, "25,100 25,101")))


@seed(20261123)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=st.one_of(
        st.binary(max_size=300),
        st.builds(
            cap,
            FIELD, st.sampled_from(("Alert", "Update", "Cancel", "Ack")), FIELD,
            st.sampled_from(("Actual", "Exercise")),
            FIELD, FIELD, FIELD, FIELD, FIELD,
        ),
        st.tuples(st.integers(0, 900), st.binary(min_size=1, max_size=4)).map(
            lambda cut: cap("x")[: cut[0]] + cut[1] + cap("x")[cut[0] + len(cut[1]) :]
        ),
    )
)  # fmt: skip
async def test_whatever_is_sent_is_taken_or_refused_in_words(body: bytes) -> None:
    transport = httpx.ASGITransport(FUZZED, raise_app_exceptions=False)
    headers = bearer("hotline") | {"content-type": "application/xml"}
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as http:
        answer = await http.post("/v1/cap", content=body, headers=headers)
    assert answer.status_code in {200, 403, 415, 422}, answer.text
    assert answer.status_code == 200 or answer.json()["errors"]
