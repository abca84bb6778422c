"""Open311 GeoReport v2 read by its own client, by the letter of the specification, and by the curious."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree as ET

import pytest
from georeport import GeoReport

from shared.events.case import CaseMerged
from shared.events.parts import Place
from shared.tracking import digest_of_code, new_code
from shared.vocabulary import CaseState, ClockKind, Purpose
from tests.fakes.notifier import Life, department, whole_life
from tests.integration.notifier.harness import OTHER_VILLAGE, VILLAGE, House, house

COUNTY = "990101"
FIELDS = [
    "service_request_id",
    "status",
    "status_notes",
    "service_name",
    "service_code",
    "description",
    "agency_responsible",
    "service_notice",
    "requested_datetime",
    "updated_datetime",
    "expected_datetime",
    "address",
    "address_id",
    "zipcode",
    "lat",
    "long",
    "media_url",
]
"""The fields of a request in the order of the specification (GET Service Requests)."""


def at_work(name: str, notifier: House, **more: Any) -> Life:
    """A case of this hour with a lead and its limit."""
    life = Life(name=name, **{"area": VILLAGE, "now": notifier.clock() - timedelta(hours=1), **more})
    order = life.order(department("water"))
    life.start(life.clock(order, ClockKind.HANDLE, minutes=240))
    return life


async def read(notifier: House, path: str, *, expect: int = 200, **query: str) -> Any:
    answer = await notifier.client.get(f"/open311/v2/{path}", params=query)
    assert answer.status_code == expect, answer.text
    return answer.json() if path.endswith(".json") else ET.fromstring(answer.text)  # noqa: S314  our own answer


async def ids(notifier: House, **query: str) -> list[str]:
    return [one["service_request_id"] for one in await read(notifier, "requests.json", expect=200, **query)]


@pytest.mark.parametrize("form", ("json", "xml"))
async def test_the_protocols_own_client_reads_services_and_requests(notifier: House, form: str) -> None:
    life = at_work("client", notifier, place=Place(lon=117.01, lat=36.2))
    other = at_work("client-2", notifier, area=OTHER_VILLAGE)
    await notifier.tell([*life.events, *other.events])
    client = GeoReport(f"{notifier.url}/open311/v2", jurisdiction=COUNTY, output_format=form)
    services = await asyncio.to_thread(client.get_service_list)
    codes = {service["service_code"] for service in services}
    assert {"01.002"} <= codes
    assert "01" not in codes
    definition = await asyncio.to_thread(client.get_service_definition, "01.002")
    assert definition["service_code"] == "01.002"
    listed = await asyncio.to_thread(lambda: client.get_service_requests(status="open"))
    assert {one["service_request_id"] for one in listed} == {str(life.case_id), str(other.case_id)}
    one = await asyncio.to_thread(client.get_service_request, str(life.case_id))
    assert (one["status"], one["description"], float(one["lat"])) == ("open", life.title, 36.2)


async def test_a_request_has_the_fields_of_the_specification_in_both_forms(notifier: House) -> None:
    life = at_work("fields", notifier, place=Place(lon=117.01, lat=36.2))
    await notifier.tell(life.events)
    (as_json,) = await read(notifier, "requests.json")
    assert list(as_json) == FIELDS
    root = await read(notifier, "requests.xml")
    assert (root.tag, [child.tag for child in root]) == ("service_requests", ["request"])
    assert [child.tag for child in root[0]] == FIELDS
    for field in FIELDS:
        assert (root[0].findtext(field) or "") == ("" if as_json[field] is None else str(as_json[field]))
    assert as_json["agency_responsible"] == "water 部门"
    assert as_json["address"].startswith("麓城街道")
    assert as_json["expected_datetime"] is not None
    assert (as_json["zipcode"], as_json["media_url"]) == (None, None)


async def test_services_and_discovery_have_the_specifications_shape(notifier: House) -> None:
    root = await read(notifier, "services.xml")
    assert root.tag == "services"
    assert [child.tag for child in root[0]] == [
        "service_code",
        "service_name",
        "description",
        "metadata",
        "type",
        "keywords",
        "group",
    ]
    assert {service.findtext("metadata") for service in root} == {"false"}
    found = await read(notifier, "discovery.xml")
    (endpoint,) = found.findall("endpoints/endpoint")
    assert [child.tag for child in found] == ["changeset", "contact", "key_service", "endpoints"]
    assert endpoint.findtext("url") == f"{notifier.url}/open311/v2"
    assert [one.text for one in endpoint.findall("formats/format")] == ["text/xml", "application/json"]
    assert (await read(notifier, "discovery.json"))["endpoints"][0]["type"] == "production"


async def test_a_list_is_asked_by_time_status_code_and_id(notifier: House) -> None:
    now = notifier.clock()
    new = at_work("new", notifier)
    old = at_work("old", notifier, now=now - timedelta(days=60))
    ancient = at_work("ancient", notifier, now=now - timedelta(days=125))
    done = whole_life("done", area=VILLAGE, category="02.001")
    shift = now - timedelta(days=2) - done.events[0].time
    for life in (new, old, ancient):
        await notifier.tell(life.events)
    later = Life(name="done", area=VILLAGE, category="02.001", now=done.events[0].time + shift)
    later.close()
    await notifier.tell(later.events)
    assert await ids(notifier) == [str(new.case_id), str(later.case_id), str(old.case_id)]
    assert await ids(notifier, status="closed") == [str(later.case_id)]
    assert await ids(notifier, status="open") == [str(new.case_id), str(old.case_id)]
    assert await ids(notifier, service_code="02") == [str(later.case_id)]
    assert await ids(notifier, end_date=(now - timedelta(days=30)).isoformat()) == [
        str(old.case_id),
    ]
    start = (now - timedelta(days=130)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert await ids(notifier, start_date=start) == [str(old.case_id), str(ancient.case_id)]
    named = f"{ancient.case_id},{uuid4()},nonsense"
    assert await ids(notifier, service_request_id=named, status="closed") == [str(ancient.case_id)]
    assert await ids(notifier, jurisdiction_id="990101002") == []


async def test_what_may_not_stand_in_public_is_not_there(notifier: House) -> None:
    secret = at_work("secret", notifier)
    secret.tell(CaseMerged, view={"secret": True, "state": CaseState.CLOSED}, into=uuid4(), reason="—")
    drill = at_work("drill", notifier, purpose=Purpose.DRILL)
    unread = Life(name="unread", area=VILLAGE, now=notifier.clock(), state=CaseState.RECEIVED, title="王某某骗子")
    await notifier.tell([*secret.events, *drill.events, *unread.events])
    assert await ids(notifier) == []
    for life in (secret, drill):
        await read(notifier, f"requests/{life.case_id}.json", expect=404)
    (waiting,) = await read(notifier, f"requests/{unread.case_id}.json")
    assert (waiting["status"], waiting["description"], waiting["lat"]) == ("open", None, None)
    assert "王某某" not in json.dumps(waiting, ensure_ascii=False)


async def test_a_merged_request_names_the_one_that_it_goes_on_in(notifier: House) -> None:
    life, master = at_work("merged", notifier), uuid4()
    life.tell(CaseMerged, view={"state": CaseState.MERGED, "master": master}, into=master, reason="同一处")
    await notifier.tell(life.events)
    (one,) = await read(notifier, f"requests/{life.case_id}.json")
    assert one["status"] == "closed"
    assert str(master) in one["status_notes"]


async def test_a_token_is_the_tracking_code(notifier: House) -> None:
    code = new_code()
    life = Life(name="token", area=VILLAGE, tracking=digest_of_code(code))
    await notifier.tell(life.events)
    assert await read(notifier, f"tokens/{code}.json") == [{"service_request_id": str(life.case_id), "token": code}]
    root = await read(notifier, f"tokens/{code}.xml")
    assert root.findtext("request/service_request_id") == str(life.case_id)
    for wrong in (new_code(), "123"):
        await read(notifier, f"tokens/{wrong}.json", expect=404)


@pytest.mark.parametrize(
    ("path", "query", "status", "words"),
    (
        ("requests", {"start_date": "2026-01-01T00:00:00Z", "end_date": "2026-11-01T00:00:00Z"}, 400, "90 days"),
        ("requests", {"start_date": "2026-03-01T00:00:00Z", "end_date": "2026-02-01T00:00:00Z"}, 400, "start"),
        ("requests", {"start_date": "gestern"}, 400, "start_date"),
        ("requests", {"end_date": "2026-11-01T00:00:00"}, 400, "end_date"),
        ("requests", {"status": "halfway"}, 400, "open, closed"),
        ("requests", {"service_request_id": ",".join(["x"] * 101)}, 400, "100 or fewer"),
        ("requests", {"service_code": "x" * 1001}, 400, "service_code"),
        ("requests", {"service_code": "路灯"}, 400, "service_code: this text has another form; allowed: codes or ids"),
        ("requests", {"jurisdiction_id": "110101"}, 404, "jurisdiction_id"),
        ("requests", {"jurisdiction_id": "990101999"}, 404, "jurisdiction_id"),
        ("services", {"jurisdiction_id": "boston"}, 404, "jurisdiction_id"),
        ("services/99.999", {}, 404, "service_code"),
        (f"requests/{uuid4()}", {}, 404, "service_request_id"),
        ("requests/638344", {}, 404, "service_request_id"),
    ),
)
async def test_every_error_is_an_array_of_code_and_description(
    notifier: House, path: str, query: dict[str, str], status: int, words: str
) -> None:
    (error,) = await read(notifier, f"{path}.json", expect=status, **query)
    assert error["code"] == str(status)
    assert words in error["description"]
    root = await read(notifier, f"{path}.xml", expect=status, **query)
    assert (root.tag, root.findtext("error/code")) == ("errors", str(status))
    assert words in (root.findtext("error/description") or "")


async def test_a_form_that_is_not_served_says_which_are(notifier: House) -> None:
    answer = await notifier.client.get("/open311/v2/services.yaml")
    assert answer.status_code == 404
    assert "json, xml" in answer.json()[0]["description"]


async def test_a_sent_request_is_shown_the_way_to_intake(dsn: str) -> None:
    async with house(dsn, intake_url="https://intake.example.org") as sending:
        answer = await sending.client.post("/open311/v2/requests.json?jurisdiction_id=990101", data={"lat": "1"})
        assert answer.status_code == 307
        assert (
            answer.headers["location"] == "https://intake.example.org/open311/v2/requests.json?jurisdiction_id=990101"
        )
    async with house(dsn) as alone:
        answer = await alone.client.post("/open311/v2/requests.json", data={"lat": "1"})
        assert (answer.status_code, answer.json()[0]["code"]) == (405, "405")


async def test_whoever_asks_too_often_is_told_in_the_protocols_form(dsn: str) -> None:
    async with house(dsn, rate_address="1/hour") as strict:
        await read(strict, "services.json")
        answer = await strict.client.get("/open311/v2/services.xml")
        assert (answer.status_code, answer.headers["content-type"]) == (429, "text/xml; charset=utf-8")
        assert int(answer.headers["retry-after"]) > 0


async def test_characters_that_xml_has_none_for_never_break_an_answer(notifier: House) -> None:
    life = at_work("odd", notifier, title="水管<爆>&\u000b\ufffe 了")
    await notifier.tell(life.events)
    root = await read(notifier, "requests.xml")
    assert (root[0].findtext("description") or "").startswith("水管<爆>&")
