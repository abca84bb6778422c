"""GeoReport v2 writes: a service request becomes a case, answers and errors have the protocol's own form."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from services.intake.api import make_api
from services.intake.api.public import PublicDoor
from services.intake.handlers import Doors
from services.intake.metrics import Metrics
from shared.runtime.auth import KeyRing
from tests.fakes.intake import FakeCaseStore, FakePlaybooks, FakeVault, ToldClock
from tests.fakes.small_county import COUNTY, GAS_LEAK, WEST_VILLAGE, small_county
from tests.integration.intake.harness import KEYS, Intake, bearer

POINT = {"lat": "25.5", "long": "100.5"}
REQUEST = {"service_code": GAS_LEAK, "description": "市场门口燃气味很重", **POINT}


def token(name: str) -> str:
    return KEYS[name].token


async def post(intake: Intake, kind: str = "json", **changes: Any) -> httpx.Response:
    form = {name: value for name, value in {**REQUEST, "api_key": token("hotline"), **changes}.items() if value}
    return await intake.http.post(f"/open311/v2/requests.{kind}", data=form)


async def event_of(intake: Intake, case_id: str) -> dict[str, Any]:
    text = await intake.pool.fetchval(
        "SELECT data::text FROM case_event WHERE case_id = $1::uuid AND version = 1", case_id
    )
    found: dict[str, Any] = json.loads(text)
    return found


async def test_a_request_in_json_becomes_a_case(intake: Intake) -> None:
    answer = await post(intake, jurisdiction_id=COUNTY, **{"attribute[SIZE]": "两米", "attribute[KIND][]": "井盖"})
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"] == "application/json"
    (request,) = answer.json()
    assert request.keys() == {"service_request_id", "service_notice", "account_id"}
    event = await event_of(intake, request["service_request_id"])
    assert event["case"]["category"] == GAS_LEAK
    assert event["case"]["area"].startswith(WEST_VILLAGE)
    assert event["case"]["source"] == "resident"
    assert event["text"].splitlines() == ["市场门口燃气味很重", "SIZE: 两米", "KIND: 井盖"]


async def test_a_request_in_xml_is_answered_in_xml(intake: Intake) -> None:
    answer = await post(intake, "xml")
    assert answer.status_code == 201, answer.text
    assert answer.headers["content-type"] == "text/xml; charset=utf-8"
    root = ET.fromstring(answer.content)  # noqa: S314  our own answer
    assert root.tag == "service_requests"
    (request,) = root
    assert [field.tag for field in request] == ["service_request_id", "service_notice", "account_id"]
    assert await event_of(intake, request.findtext("service_request_id") or "")


async def test_the_reporter_stays_sealed(intake: Intake) -> None:
    answer = await post(intake, first_name="三", last_name="张", phone="13912345678", email="a@example.org")
    assert answer.status_code == 201
    event = json.dumps(await event_of(intake, answer.json()[0]["service_request_id"]), ensure_ascii=False)
    assert "张三" not in event
    assert "13912345678" not in event
    assert "example.org" not in event


async def test_words_alone_are_placed_by_their_names_else_in_the_jurisdiction(intake: Intake) -> None:
    named = await post(intake, lat=None, long=None, address_string="西村路口", jurisdiction_id=COUNTY)
    assert (await event_of(intake, named.json()[0]["service_request_id"]))["case"]["area"] == WEST_VILLAGE
    nameless = await post(intake, lat=None, long=None, address_string="路口", jurisdiction_id=COUNTY)
    assert (await event_of(intake, nameless.json()[0]["service_request_id"]))["case"]["area"] == COUNTY


async def test_an_address_id_is_an_area(intake: Intake) -> None:
    answer = await post(intake, lat=None, long=None, address_id=WEST_VILLAGE)
    assert (await event_of(intake, answer.json()[0]["service_request_id"]))["case"]["area"] == WEST_VILLAGE


async def test_without_words_a_request_says_what_its_service_is(intake: Intake) -> None:
    answer = await post(intake, description=None)
    text = (await event_of(intake, answer.json()[0]["service_request_id"]))["text"]
    assert text == small_county().categories[GAS_LEAK].name.zh


async def test_the_key_may_stand_in_the_header(intake: Intake) -> None:
    answer = await intake.http.post("/open311/v2/requests.json", data=REQUEST, headers=bearer("hotline"))
    assert answer.status_code == 201


async def test_a_key_of_the_sender_makes_a_repeat_one_case(intake: Intake) -> None:
    headers = bearer("hotline") | {"Idempotency-Key": "open311-1"}
    first, again = [
        await intake.http.post("/open311/v2/requests.json", data=REQUEST, headers=headers) for _ in range(2)
    ]
    assert again.text == first.text
    assert again.headers["idempotent-replayed"] == "true"


WRONG = (
    ({"service_code": None}, 400, "service_code"),
    ({"service_code": "77.777"}, 400, "service_code"),
    ({"lat": None}, 400, "lat and long"),
    ({"lat": None, "long": None}, 400, "say where"),
    ({"lat": "north"}, 400, "lat"),
    ({"lat": "91"}, 400, "lat"),
    ({"lat": "nan"}, 400, "lat"),
    ({"lat": "0", "long": "0"}, 400, "lat, long"),
    ({"address_id": "西村"}, 400, "address_id"),
    ({"description": "字" * 4001}, 400, "description"),
    ({"description": "a\x00b"}, 400, "description"),
    ({"media_url": "javascript:alert(1)"}, 400, "media_url"),
    ({"phone": "1" * 33}, 400, "phone"),
    ({f"attribute[{n}]": "1" for n in range(33)}, 400, "attribute"),
    ({"jurisdiction_id": "110101"}, 404, "jurisdiction_id"),
    ({"jurisdiction_id": "city.example.org"}, 400, "jurisdiction_id"),
    ({"api_key": None}, 403, "api_key"),
    ({"api_key": "wk_x_y"}, 403, "api_key"),
    ({"api_key": "钥匙"}, 403, "api_key"),
    ({"api_key": token("auditor")}, 403, "api_key"),
)


@pytest.mark.parametrize(("changes", "status", "named"), WRONG)
@pytest.mark.parametrize("kind", ("json", "xml"))
async def test_errors_are_lists_of_code_and_description(
    intake: Intake, kind: str, changes: dict[str, Any], status: int, named: str
) -> None:
    before = await intake.rows("report")
    answer = await post(intake, kind, **changes)
    assert answer.status_code == status, answer.text
    if kind == "json":
        errors = [(error["code"], error["description"]) for error in answer.json()]
    else:
        root = ET.fromstring(answer.content)  # noqa: S314  our own answer
        assert root.tag == "errors"
        errors = [(error.findtext("code") or "", error.findtext("description") or "") for error in root]
    assert {code for code, _ in errors} == {str(status)}
    assert any(named in description for _, description in errors), errors
    assert await intake.rows("report") == before


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    (
        (b"{}", "application/json", 415),
        (b"a=" + b"b" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"\xff\xfe", "application/x-www-form-urlencoded", 400),
    ),
)
async def test_a_body_that_cannot_be_taken_is_an_error_of_the_protocol(
    intake: Intake, content: bytes, media_type: str, status: int
) -> None:
    headers = bearer("hotline") | {"content-type": media_type}
    answer = await intake.http.post("/open311/v2/requests.json", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()[0]["code"] == str(status)
    gone = await intake.http.get("/open311/v2/nowhere.xml")
    assert ET.fromstring(gone.content).findtext("error/code") == "404"  # noqa: S314  our own answer


@pytest.fixture
async def public(intake: Intake, keyring: KeyRing) -> AsyncIterator[httpx.AsyncClient]:
    api = make_api(intake.doors, keyring, intake.metrics, door=PublicDoor(county=COUNTY))
    transport = httpx.ASGITransport(api, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as http:
        yield http


async def test_where_the_public_door_is_open_nobody_needs_a_key(public: httpx.AsyncClient) -> None:
    for more in ({}, {"jurisdiction_id": COUNTY}):
        taken = await public.post("/open311/v2/requests.json", data={**REQUEST, **more})
        assert taken.status_code == 201, taken.text
    bad = await public.post("/open311/v2/requests.json", data={**REQUEST, "api_key": "wk_a_b"})
    assert bad.status_code == 403


async def test_at_the_public_door_an_address_asks_only_so_often(public: httpx.AsyncClient) -> None:
    answers = [
        await public.post("/open311/v2/requests.json", data={**REQUEST, "jurisdiction_id": COUNTY}) for _ in range(40)
    ]
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) > 0
    assert answers[-1].json()[0]["code"] == "429"


FUZZED = make_api(
    Doors(store=FakeCaseStore(), playbooks=FakePlaybooks(small_county()), vault=FakeVault(), clock=ToldClock()),
    KeyRing([made.key for made in KEYS.values()]),
    Metrics(),
)
NAMES = st.sampled_from(
    (*REQUEST, "address_string", "address_id", "jurisdiction_id", "api_key", "media_url", "attribute[a]", "attribute[")
)
VALUES = st.one_of(st.text(max_size=60), st.sampled_from((*REQUEST.values(), COUNTY, WEST_VILLAGE, "1e999", "-0")))


@seed(311)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    form=st.one_of(st.binary(max_size=200), st.dictionaries(NAMES, VALUES, max_size=9)),
    kind=st.sampled_from(("json", "xml")),
)
async def test_whatever_is_sent_the_answer_is_of_the_protocol(form: bytes | dict[str, str], kind: str) -> None:
    headers = bearer("hotline") | {"content-type": "application/x-www-form-urlencoded"}
    body: dict[str, Any] = {"content": form} if isinstance(form, bytes) else {"data": form}
    transport = httpx.ASGITransport(FUZZED, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as http:
        answer = await http.post(f"/open311/v2/requests.{kind}", headers=headers, **body)
    assert answer.status_code in {201, 400, 403, 404}
    if kind == "json":
        assert answer.json()
    else:
        assert len(ET.fromstring(answer.content))  # noqa: S314  our own answer
