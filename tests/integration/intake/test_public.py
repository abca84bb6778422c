"""The door without a key: reports of residents, their own case by its code, the form's files, and what is shut."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.intake.api import make_api
from services.intake.api.limits import RateLimits, Rates
from services.intake.api.public import PublicDoor
from services.intake.handlers import fold_batch
from shared.events.order import OrderIssued
from shared.events.parts import Target
from shared.runtime.auth import KeyRing
from shared.tracking import digest_of_code
from shared.vocabulary import Level, OrderRole, TargetKind
from tests.fakes.small_county import COUNTY, GAS_BUREAU, WEST_VILLAGE
from tests.integration.intake.harness import Intake, order_of, record_of, why

MATTER = {"text": "市场门口三盏路灯不亮", "area": WEST_VILLAGE}
WEB = Path(__file__).parents[3] / "services" / "intake" / "web"


@dataclass(slots=True, kw_only=True)
class Door:
    """The public door, and intake behind it."""

    http: httpx.AsyncClient
    intake: Intake

    async def report(self, **changes: Any) -> httpx.Response:
        headers = changes.pop("headers", {})
        return await self.http.post("/v1/public/reports", json={**MATTER, **changes}, headers=headers)


def client_of(intake: Intake, keyring: KeyRing, door: PublicDoor, rates: Rates) -> httpx.AsyncClient:
    api = make_api(intake.doors, keyring, intake.metrics, RateLimits(rates=rates), door=door)
    return httpx.AsyncClient(transport=httpx.ASGITransport(api, raise_app_exceptions=False), base_url="http://intake")


@pytest.fixture
async def door(intake: Intake, keyring: KeyRing) -> AsyncIterator[Door]:
    read = "https://read.example.org"
    async with client_of(intake, keyring, PublicDoor(county=COUNTY, read_url=read), Rates(address="off")) as http:
        yield Door(http=http, intake=intake)


async def test_a_resident_reports_without_a_key_and_gets_a_code(door: Door) -> None:
    answer = await door.report(reporter={"name": "张三", "phone": "000-00000001"})
    assert answer.status_code == 201, answer.text
    told = answer.json()
    row = await door.intake.pool.fetchrow("SELECT * FROM report WHERE report_id = $1", UUID(told["report_id"]))
    assert row is not None
    assert (row["source"], row["sender"]) == ("resident", "public")
    assert row["tracking"] == digest_of_code(told["tracking_code"])
    assert "张三" not in str(dict(row))


async def test_a_repeat_under_the_same_key_is_answered_alike_with_the_same_code(door: Door) -> None:
    first = await door.report(headers={"Idempotency-Key": "draft-1"})
    again = await door.report(headers={"Idempotency-Key": "draft-1"})
    assert again.json() == first.json()
    assert again.headers["idempotent-replayed"] == "true"


@pytest.mark.parametrize(
    ("changes", "field"),
    (
        ({"severity": 1}, "severity"),
        ({"source": "hotline"}, "source"),
        ({"drill": True}, "drill"),
        ({"homepage": "https://spam.example.org"}, "homepage"),
        ({"text": "x" * 2001}, "text"),
        ({"area": "110101001001"}, "area"),
    ),
)
async def test_what_a_resident_may_not_say_is_refused_by_name(door: Door, changes: dict[str, Any], field: str) -> None:
    before = await door.intake.rows("report")
    answer = await door.report(**changes)
    assert answer.status_code in {403, 422}, answer.text
    assert field in answer.text
    assert await door.intake.rows("report") == before


async def test_neighbours_reports_are_shown_and_joined(door: Door) -> None:
    first = (await door.report()).json()
    near = await door.http.post("/v1/public/alike", json=MATTER)
    assert [one["case_id"] for one in near.json()["alike"]] == [first["case_id"]]
    joined = await door.report(same_as=first["case_id"], text="市场门口的路灯还是不亮")
    assert joined.status_code == 201, joined.text
    assert (joined.json()["case_id"], joined.json()["merged"]) == (first["case_id"], True)
    assert joined.json()["tracking_code"] != first["tracking_code"]


async def _closed(door: Door) -> tuple[str, UUID]:
    """A report whose case was handled and closed, by its code."""
    told = (await door.report()).json()
    case_id = UUID(told["case_id"])
    async with door.intake.doors.store.transaction() as transaction:
        (case,) = (await transaction.load([case_id])).values()
    order = order_of(case.view, Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU), OrderRole.LEAD, Level.COUNTY)
    issued = OrderIssued(order=order, case=case.view, explanation=why(), cause_id=case_id)
    assert not (await fold_batch([record_of(issued, case_id)], doors=door.intake.doors)).rejected
    for key, action, more in (
        ("gas bureau", "sign", {}),
        ("gas bureau", "resolve", {"note": "已修好"}),
        ("operator", "verify", {}),
        ("operator", "close", {}),
    ):
        done = await door.intake.act(case_id, key, action, **more)
        assert done.status_code == 200, done.text
    return told["tracking_code"], case_id


async def test_the_reporter_rates_and_reopens_by_the_code_and_the_events_name_no_code(door: Door) -> None:
    code, case_id = await _closed(door)
    rated = await door.http.post(f"/v1/track/{code.lower()}/rate", json={"rating": "not", "note": "还是不亮"})
    assert (rated.status_code, rated.json()["state"]) == (200, "closed"), rated.text
    reopened = await door.http.post(f"/v1/track/{code}/reopen", json={"reason": "晚上还是不亮"})
    assert (reopened.status_code, reopened.json()["state"]) == (200, "opened"), reopened.text
    events = await door.intake.pool.fetch(
        "SELECT data::text AS body FROM case_event WHERE case_id = $1 ORDER BY version", case_id
    )
    last = events[-1]["body"]
    assert f"code-{digest_of_code(code)[:16]}" in last
    assert '"kind":"source"' in last.replace(" ", ""), "a reporter, and nobody who covers the county"
    assert not any(code in row["body"] for row in events)
    again = await door.http.post(f"/v1/track/{code}/reopen", json={"reason": "晚上还是不亮"})
    assert again.status_code == 409
    assert again.json()["state"] == "opened"


async def test_nobody_rates_what_is_not_closed_nor_by_a_code_that_was_never_given(door: Door) -> None:
    told = (await door.report()).json()
    early = await door.http.post(f"/v1/track/{told['tracking_code']}/rate", json={"rating": "satisfied"})
    assert early.status_code == 409
    unknown = await door.http.post("/v1/track/0000-0000-0000-0000/rate", json={"rating": "satisfied"})
    assert unknown.status_code == 404
    no_code = await door.http.post("/v1/track/hello/rate", json={"rating": "satisfied"})
    assert no_code.status_code == 422
    assert "K7QM" in no_code.text


async def test_a_code_opens_nothing_but_its_own_report(door: Door) -> None:
    told = (await door.report()).json()
    for action in ("close", "verify", "whistle"):
        answer = await door.http.post(f"/v1/track/{told['tracking_code']}/{action}", json={})
        assert answer.status_code == 404
    answer = await door.http.post(f"/v1/cases/{told['case_id']}/actions", json={"action": "rate", "rating": "not"})
    assert answer.status_code == 401


async def test_the_county_is_drawn_once_a_playbook_and_small(door: Door) -> None:
    answer = await door.http.get("/v1/public/county")
    drawn = answer.json()
    assert drawn["county"]["code"] == COUNTY
    assert drawn["read_url"] == "https://read.example.org"
    again = await door.http.get("/v1/public/county", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_the_form_runs_nothing_but_its_own_files(door: Door) -> None:
    for path in ("/report/", "/report/track", "/report/main.js", "/report/form.css", "/report/mark.svg"):
        answer = await door.http.get(path)
        assert answer.status_code == 200, path
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "https://read.example.org" in policy
    assert (await door.http.get("/report")).headers["location"] == "/report/"
    for path in ("/report/..%2fapp.py", "/report/secret", "/report/__init__.py"):
        assert (await door.http.get(path)).status_code == 404


def test_the_form_fits_a_slow_line_and_names_no_other_host() -> None:
    files = {path.name: path.read_text(encoding="utf-8") for path in WEB.iterdir()}
    assert sum(len(text.encode()) for text in files.values()) < 100_000
    for name, text in files.items():
        hosts = set(re.findall(r"(?:https?:)?//[\w.-]+\.[a-z]{2,}", text)) - {"http://www.w3.org"}
        assert not hosts, name


async def test_where_the_door_is_shut_there_is_nothing(intake: Intake, keyring: KeyRing) -> None:
    async with client_of(intake, keyring, PublicDoor(), Rates()) as http:
        for path in ("/report/", "/report/main.js", "/v1/public/county"):
            assert (await http.get(path)).status_code == 404
        answer = await http.post("/v1/public/reports", json=MATTER)
        assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[-1]) == (404, "not-found")
        assert (await http.post("/v1/track/0000-0000-0000-0000/rate", json={"rating": "not"})).status_code == 404


async def test_an_address_that_asks_too_often_waits_and_keys_are_served_meanwhile(
    intake: Intake, keyring: KeyRing
) -> None:
    async with client_of(intake, keyring, PublicDoor(county=COUNTY), Rates(address="2/minute")) as http:
        answers = [await http.post("/v1/public/reports", json=MATTER) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [201, 201, 429]
        assert int(answers[2].headers["retry-after"]) >= 1
        assert (await intake.report()).status_code == 201
