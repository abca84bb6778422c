"""Every kind of bad input gets a problem that names the field and what is allowed, and leaves nothing behind."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.fakes.small_county import EAST_VILLAGE, GAS_LEAK, WEST_VILLAGE
from tests.integration.intake.harness import REPORT, Intake, bearer

PLACE = {"lon": 100.5, "lat": 25.5}

# what is wrong, the fields that are changed (None: left out), the field named, a part of what is said or allowed
WRONG_FIELDS = (
    ("no text", {"text": None}, "/text", "a value"),
    ("an empty text", {"text": ""}, "/text", "1 or more"),
    ("a text of space", {"text": " \n　"}, "/text", "1 or more"),
    ("a text too long", {"text": "水" * 8001}, "/text", "8000"),
    ("a text that is a number", {"text": 5}, "/text", "text"),
    ("a bell in the text", {"text": "水管\x07爆了"}, "/text", "U+0007"),
    ("a NUL in the text", {"text": "水管\x00爆了"}, "/text", "U+0000"),
    ("an escape in the text", {"text": "水管\x1b[31m爆了"}, "/text", "U+001B"),
    ("a text turned round", {"text": "水管\u202e爆了"}, "/text", "U+202E"),
    ("no source", {"source": None}, "/source", "a value"),
    ("an unknown source", {"source": "rumour"}, "/source", "hotline"),
    ("an unknown field", {"colour": "red"}, "/colour", "known fields: source, text, area, place"),
    ("an area that is no code", {"area": "西村"}, "/area", "6, 9, 12 or 15 digits of an area code"),
    ("an unknown area", {"area": "990101999"}, "/area", "990101"),
    ("an area of another county", {"area": "110101001"}, "/area", "990101"),
    ("an unknown grid cell", {"area": "990101001001999"}, "/area", "990101001001"),
    ("neither area nor place", {"area": None}, "/area", "place"),
    ("a place outside the county", {"area": None, "place": {"lon": 0, "lat": 0}}, "/place", "小县"),
    ("a place off the earth", {"area": None, "place": {"lon": 181, "lat": 0}}, "/place/lon", "180"),
    ("a place without a latitude", {"area": None, "place": {"lon": 100.5}}, "/place/lat", "a value"),
    ("a longitude in words", {"place": {"lon": "100.5", "lat": 25.5}}, "/place/lon", "number"),
    ("an area that does not hold the place", {"area": EAST_VILLAGE, "place": PLACE}, "/area", WEST_VILLAGE),
    ("an unknown category", {"category": "77.001"}, "/category", "01"),
    ("a category almost right", {"category": "03.01"}, "/category", GAS_LEAK),
    ("a category that is no code", {"category": "燃气"}, "/category", "letters, digits, dots and hyphens"),
    ("an unknown severity", {"severity": 5}, "/severity", "1"),
    ("too many tags", {"tags": [str(n) for n in range(33)]}, "/tags", "32"),
    ("an empty tag", {"tags": [""]}, "/tags/0", "1 or more"),
    ("a tag of two lines", {"tags": ["a", "b\nc"]}, "/tags/1", "U+000A"),
    ("tags that are a text", {"tags": "a"}, "/tags", "list"),
    ("a name too long", {"reporter": {"name": "王" * 61}}, "/reporter/name", "60"),
    ("a name of two lines", {"reporter": {"name": "王\n五"}}, "/reporter/name", "U+000A"),
    ("a time without its offset", {"occurred_at": "2026-11-21T08:00:00"}, "/occurred_at", "offset"),
    ("a time that is none", {"occurred_at": "yesterday"}, "/occurred_at", "offset"),
    ("a time to come", {"occurred_at": "2099-01-01T00:00:00Z"}, "/occurred_at", "up to now"),
)


@pytest.mark.parametrize(
    ("changes", "named", "says"), [case[1:] for case in WRONG_FIELDS], ids=[case[0] for case in WRONG_FIELDS]
)
async def test_a_wrong_field_is_named_with_what_is_allowed(
    intake: Intake, changes: dict[str, Any], named: str, says: str
) -> None:
    before = await intake.rows("case_event")
    answer = await intake.report(**changes, headers={"Idempotency-Key": "bad"})

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    errors = answer.json()["errors"]
    assert named in {error["field"] for error in errors}
    assert says in json.dumps(errors, ensure_ascii=False)
    assert await intake.rows("case_event") == before
    assert await intake.rows("client_key") == 0


WRONG_BODIES = (
    ("no JSON", b"{", "application/json", 400, "malformed"),
    ("no body", b"", "application/json", 422, "invalid-field"),
    ("a list", b"[]", "application/json", 422, "invalid-field"),
    ("invalid UTF-8", b'{"source":"hotline","text":"\xff\xfe"}', "application/json", 400, "malformed"),
    ("half a surrogate pair", b'{"source":"hotline","text":"\\ud800"}', "application/json", 422, "invalid-field"),
    ("a name twice", b'{"text":"a","text":"b"}', "application/json", 400, "malformed"),
    ("NaN", b'{"place":{"lon":NaN,"lat":1}}', "application/json", 400, "malformed"),
    ("a form", b"text=a", "application/x-www-form-urlencoded", 415, "unsupported-media-type"),
    ("XML", b"<a/>", "application/xml", 415, "unsupported-media-type"),
    ("1 MB of text", b'{"text":"' + b"a" * 1_000_000 + b'"}', "application/json", 413, "too-large"),
    ("a deep nest", b'{"a":' * 5000 + b"1" + b"}" * 5000, "application/json", 400, "malformed"),
)


@pytest.mark.parametrize(
    ("body", "media_type", "status", "slug"),
    [case[1:] for case in WRONG_BODIES],
    ids=[case[0] for case in WRONG_BODIES],
)
async def test_a_body_that_cannot_be_taken_is_a_problem(
    intake: Intake, body: bytes, media_type: str, status: int, slug: str
) -> None:
    headers = bearer("hotline") | {"content-type": media_type}
    answer = await intake.http.post("/v1/reports", content=body, headers=headers)

    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{slug}"), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", ("", "a b", "钥匙", "a" * 129, "a\tb"))
async def test_a_client_key_is_1_to_128_visible_characters(intake: Intake, key: str) -> None:
    headers = [*bearer("hotline").items(), ("Idempotency-Key", key.encode())]
    answer = await intake.http.post("/v1/reports", json=dict(REPORT), headers=headers)  # type: ignore[arg-type]

    assert answer.status_code == 422
    assert "Idempotency-Key".lower() in answer.text.lower()


@pytest.mark.parametrize("authorization", (None, "Bearer nonsense", "Bearer wk_a_b", "Basic abc"))
async def test_without_a_good_key_nothing_is_taken(intake: Intake, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    for path in ("/v1/reports", f"/v1/cases/{uuid4()}/actions"):
        answer = await intake.http.post(path, json={}, headers=headers)
        assert answer.status_code == 401, answer.text
        assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("key", ("gas bureau", "auditor"))
async def test_a_role_that_sends_no_reports_is_told_which_do(intake: Intake, key: str) -> None:
    answer = await intake.report(key)
    assert answer.status_code == 403
    assert "source" in json.dumps(answer.json()["errors"])


async def test_a_key_of_one_town_cannot_report_for_another(intake: Intake) -> None:
    answer = await intake.report("west source", area=EAST_VILLAGE)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["field"] == "area"
    assert (await intake.report("west source", area=WEST_VILLAGE)).status_code == 201


async def test_a_key_of_one_town_cannot_report_a_point_of_another(intake: Intake) -> None:
    answer = await intake.report("west source", area=None, place={"lon": 101.5, "lat": 25.5})
    assert answer.status_code == 403


async def test_a_client_key_with_another_body_is_refused_and_the_first_stands(intake: Intake) -> None:
    headers = {"Idempotency-Key": "twice"}
    first = await intake.report(headers=headers)
    other = await intake.report(text="停水了", headers=headers)
    again = await intake.report(headers=headers)

    assert other.status_code == 422
    assert other.json()["type"] == "/problems/idempotency-key-reused"
    assert other.json()["errors"][0]["field"] == "Idempotency-Key"
    assert again.text == first.text


async def test_an_action_on_no_case_not_yours_or_not_open_says_so(intake: Intake) -> None:
    case_id = await intake.open()
    missing = await intake.act(uuid4(), "operator", "sign")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/not-found")

    foreign = await intake.act(case_id, "east desk", "verify")
    assert foreign.status_code == 403
    assert foreign.json()["errors"][0]["allowed"]

    closed = await intake.act(case_id, "west desk", "close")
    body = closed.json()
    assert (closed.status_code, body["type"]) == (409, "/problems/wrong-state")
    assert body["state"] == "opened"
    assert body["allowed"] == [
        "whistle", "rule", "refuse", "recategorise", "merge", "note", "hand_over", "supervise",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "named"),
    (
        ({"action": "explode"}, "/action"),
        ({}, "/action"),
        ({"action": "sign", "order_id": "1"}, "/order_id"),
        ({"action": "sign", "note": "x" * 2001}, "/note"),
        ({"action": "sign", "note": "a\x07"}, "/note"),
        ({"action": "sign", "who": "me"}, "/who"),
        ({"action": "rate", "rating": "great"}, "/rating"),
    ),
)
async def test_a_wrong_action_names_its_field(intake: Intake, body: dict[str, Any], named: str) -> None:
    case_id = await intake.open()
    answer = await intake.http.post(f"/v1/cases/{case_id}/actions", json=body, headers=bearer("operator"))
    assert answer.status_code == 422, answer.text
    assert named in {error["field"] for error in answer.json()["errors"]}


async def test_a_case_id_that_is_none_is_named(intake: Intake) -> None:
    answer = await intake.http.post("/v1/cases/abc/actions", json={"action": "sign"}, headers=bearer("operator"))
    assert answer.status_code == 422
    assert "case_id" in answer.json()["errors"][0]["field"]


async def test_refusals_are_counted_and_never_carry_the_reporter(intake: Intake) -> None:
    who = {"name": "张三丰", "phone": "13912345678"}
    answer = await intake.report(reporter=who, area="990101999", text="张三丰的电话13912345678")
    assert "张三丰" not in answer.text
    assert "13912345678" not in answer.text
    counted = intake.metrics.registry.get_sample_value(
        "whistle_intake_reports_total", {"source": "hotline", "outcome": "refused"}
    )
    assert counted == 1
