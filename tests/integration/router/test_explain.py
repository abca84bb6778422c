"""The router's ops port answers why a case goes where it goes, from any playbook that it still knows."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.router.api import MOST_RULES, explain_route
from services.router.rulebooks import ShelvedRulebooks
from shared.events.codec import adapter
from shared.events.parts import CaseView
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.health import Health, OpsServer
from tests.fakes.joint_county import RULES, joint_county, west_case

HOST = "127.0.0.1"
OLDER = replace(joint_county(), version="older", digest="1" * 64, rules=RULES[-1:])


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    shelf = PlaybookShelf()
    await shelf.put(OLDER)
    await shelf.put(replace(joint_county(), version="newer", digest="2" * 64))
    rulebooks = ShelvedRulebooks(shelf, patience=timedelta(seconds=0.1))
    server = OpsServer(HOST, 0, live=Health.of, ready=Health.of, routes=[explain_route(rulebooks, shelf)])
    await server.start()
    async with httpx.AsyncClient(base_url=f"http://{HOST}:{server.port}") as client:
        yield client
    await server.stop()


async def asked(client: httpx.AsyncClient, case: CaseView | None = None, **more: Any) -> httpx.Response:
    body = {"case": adapter(CaseView).dump_python(case or west_case(), mode="json"), "text": "井盖不见了"} | more
    return await client.post("/v1/explain", json=body)


async def test_a_case_is_explained_by_the_playbook_in_force(client: httpx.AsyncClient) -> None:
    answer = (await asked(client)).json()
    assert answer["playbook"]["version"] == "newer"
    assert [(one["role"], one["target"]["id"]) for one in answer["orders"]] == [("lead", "west-station")]
    assert [(one["rule_id"], one["held"], one["ended"]) for one in answer["walk"]] == [
        ("watched", True, False),
        ("duty", True, True),
    ]
    assert answer["walk"][0]["conditions"][0]["actual"].startswith("01.001")
    assert (answer["unrouted"], [one["rule_id"] for one in answer["shadows"]]) == (False, ["watched"])


async def test_another_version_mode_and_instant_can_be_asked(client: httpx.AsyncClient) -> None:
    older = (await asked(client, playbook_version="older")).json()
    assert (older["playbook"]["version"], [one["rule_id"] for one in older["walk"]]) == ("older", ["duty"])
    flood = (await asked(client, mode="flood", at=datetime(2026, 12, 24, 3, tzinfo=UTC).isoformat())).json()
    assert [one["target"]["id"] for one in flood["orders"]] == ["flood-office", "police", "990101"]


async def test_all_lists_every_rule_a_page_at_a_time(client: httpx.AsyncClient) -> None:
    page = (await asked(client, all=True, count=3)).json()
    rest = (await asked(client, all=True, count=3, start=page["next"])).json()
    assert [one["rule_id"] for one in (*page["walk"], *rest["walk"])] == [rule.id for rule in RULES]
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("more", "field", "allowed"),
    (
        ({"mode": "storm"}, "/mode", ["normal", "drought", "flood"]),
        ({"playbook_version": "lost"}, "/playbook_version", ["newer"]),
        ({"count": MOST_RULES + 1}, "/count", []),
        ({"at": "2026-12-24T03:00:00"}, "/at", []),
        ({"colour": "red"}, "/colour", []),
    ),
)
async def test_a_bad_question_names_the_field_and_what_is_allowed(
    client: httpx.AsyncClient, more: dict[str, Any], field: str, allowed: list[str]
) -> None:
    answer = await asked(client, **more)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    (error,) = answer.json()["errors"]
    assert (error["field"], error["allowed"]) == (field, allowed)


async def test_a_county_without_a_playbook_is_refused_at_once(client: httpx.AsyncClient) -> None:
    answer = await asked(client, west_case(area="990777001"))
    assert (answer.status_code, answer.json()["errors"][0]["allowed"]) == (422, ["990101"])


async def test_what_is_no_question_is_a_problem_too(client: httpx.AsyncClient) -> None:
    assert (
        await client.post("/v1/explain", content=b"{", headers={"content-type": "application/json"})
    ).status_code == 400
    assert (await client.post("/v1/explain", json={"text": "x" * 300_000})).status_code == 413
    assert (await client.get("/v1/explain")).status_code == 405
