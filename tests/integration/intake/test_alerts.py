"""Alerts of sensors over HTTP: one open case for the same labels, however often and from wherever they come."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from services.intake.api import make_api
from services.intake.handlers import Doors, Together
from services.intake.metrics import Metrics
from shared.runtime.auth import KeyRing
from shared.runtime.clock import utc_now
from shared.runtime.serving import HttpServer
from tests.fakes.intake import FakeCaseStore, FakePlaybooks, FakeVault, ToldClock
from tests.fakes.small_county import EAST_VILLAGE, GAS_LEAK, WEST_VILLAGE, small_county
from tests.integration.intake.harness import KEYS, Intake, bearer

PATH = "/api/v2/alerts"


def an_alert(name: str, *, ends: datetime | None = None, words: str = "燃气浓度超限", **labels: str) -> dict[str, Any]:
    labels = {"alertname": name, "area": WEST_VILLAGE, "category": GAS_LEAK, **labels}
    alert: dict[str, Any] = {"labels": labels, "annotations": {"summary": words}}
    return alert if ends is None else alert | {"endsAt": ends.isoformat()}


def resolved(name: str, **labels: str) -> dict[str, Any]:
    return an_alert(name, ends=utc_now() - timedelta(seconds=1), **labels)


async def post(intake: Intake, *alerts: dict[str, Any], key: str = "hotline") -> httpx.Response:
    return await intake.http.post(PATH, json=list(alerts), headers=bearer(key))


async def cases_of(intake: Intake, name: str) -> list[dict[str, Any]]:
    rows = await intake.pool.fetch(
        "SELECT snapshot::text AS s FROM case_snapshot WHERE snapshot->'view'->'tags' ? $1 ORDER BY opened_at", name
    )
    return [json.loads(row["s"])["view"] for row in rows]


async def notes_of(intake: Intake, case_id: str) -> list[str]:
    rows = await intake.pool.fetch(
        "SELECT data->>'kind' AS kind FROM case_event WHERE case_id = $1::uuid AND type = 'whistle.case.noted.v1'"
        " ORDER BY version",
        case_id,
    )
    return [row["kind"] for row in rows]


async def close(intake: Intake, case_id: str) -> None:
    """End the case as intake itself does; how people come to that is not this test's."""
    await intake.pool.execute(
        """
        UPDATE case_snapshot SET state = 'closed', closed = true,
            snapshot = jsonb_set(snapshot, '{view,state}', '"closed"')
        WHERE case_id = $1::uuid
        """,
        case_id,
    )


async def test_the_same_labels_are_one_open_case(intake: Intake) -> None:
    for words in ("燃气浓度超限", "燃气浓度仍然超限", "燃气浓度超限"):
        assert (await post(intake, an_alert("gas-1", words=words))).status_code == 200
    (case,) = await cases_of(intake, "gas-1")
    assert (case["area"], case["category"], case["source"]) == (WEST_VILLAGE, GAS_LEAK, "sensor")
    assert await notes_of(intake, case["case_id"]) == []


async def test_other_labels_are_another_case(intake: Intake) -> None:
    await post(intake, an_alert("gas-2", sensor="1"), an_alert("gas-2", sensor="2", area=EAST_VILLAGE))
    assert len(await cases_of(intake, "gas-2")) == 2


async def test_an_alert_that_ends_is_a_fact_and_closes_nothing(intake: Intake) -> None:
    await post(intake, an_alert("gas-3"))
    for _ in range(2):
        await post(intake, resolved("gas-3"))
    (case,) = await cases_of(intake, "gas-3")
    assert case["state"] == "opened"
    assert await notes_of(intake, case["case_id"]) == ["alert_resolved"]
    await post(intake, an_alert("gas-3"))
    assert await notes_of(intake, case["case_id"]) == ["alert_resolved", "alert_repeated"]


async def test_an_alert_after_its_case_has_ended_opens_another(intake: Intake) -> None:
    await post(intake, an_alert("gas-4"))
    (first,) = await cases_of(intake, "gas-4")
    await close(intake, first["case_id"])
    await post(intake, resolved("gas-4"))
    assert len(await cases_of(intake, "gas-4")) == 1
    await post(intake, an_alert("gas-4"))
    await post(intake, an_alert("gas-4"))
    assert len(await cases_of(intake, "gas-4")) == 2


async def test_a_graver_alert_makes_its_case_graver(intake: Intake) -> None:
    mild = {"alertname": "water", "category": "01", "area": WEST_VILLAGE}
    await post(intake, {"labels": mild, "annotations": {"summary": "水压低"}})
    # severity is a label: another severity is another alert, unless the sender leaves it out of the labels
    await post(intake, an_alert("water-2", category="01", severity="info"))
    (case,) = await cases_of(intake, "water-2")
    assert case["severity"] == 4


async def test_a_severity_that_nobody_knows_refuses_nothing_and_the_case_says_so(intake: Intake) -> None:
    assert (await post(intake, an_alert("water-3", category="01", severity="page"))).status_code == 200
    (case,) = await cases_of(intake, "water-3")
    why = await intake.pool.fetchval(
        "SELECT data->>'severity_why' FROM case_event WHERE case_id = $1::uuid AND version = 1", case["case_id"]
    )
    assert "不认识给出的等级「page」" in why
    assert "its category's severity" in why


async def test_the_same_alert_to_two_replicas_at_once_is_one_case(intake: Intake) -> None:
    for n in range(6):
        name = f"race-{n}"
        answers = await asyncio.gather(
            *(post(intake, an_alert(name, words=f"第 {m} 台上报：燃气浓度超限")) for m in range(6))
        )
        assert {answer.status_code for answer in answers} == {200}
        assert len(await cases_of(intake, name)) == 1


@pytest.fixture
async def replica(intake: Intake, keyring: KeyRing) -> AsyncIterator[Intake]:
    """A second process on the same database: it keeps what comes to it by transactions of its own."""
    doors = replace(intake.doors, papers=Together(), deeds=Together())
    transport = httpx.ASGITransport(make_api(doors, keyring, Metrics()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as http:
        yield replace(intake, http=http, doors=doors)


async def test_one_alert_by_several_keys_to_two_replicas_at_once_is_one_case(intake: Intake, replica: Intake) -> None:
    keys = ("hotline", "west source", "west desk", "operator")
    for n in range(12):
        name = f"keys-{n}"
        answers = await asyncio.gather(
            *(
                post(where, an_alert(name, words=f"{key} 上报：燃气浓度超限"), key=key)
                for key in keys
                for where in (intake, replica)
            )
        )
        assert {answer.status_code for answer in answers} == {200}
        (case,) = await cases_of(intake, name)
        # The same key opens no second one either, and the next round is a case of its own.
        await close(intake, case["case_id"])
        await asyncio.gather(*(post(where, an_alert(name), key=key) for key in keys for where in (intake, replica)))
        assert len(await cases_of(intake, name)) == 2


async def test_a_wrong_alert_is_named_and_the_others_are_taken(intake: Intake) -> None:
    answer = await post(intake, an_alert("good-1"), an_alert("bad", area="西村"), an_alert("good-2"))
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/json"
    said = answer.json()
    assert "alert 1" in said
    assert "labels/area" in said
    assert len(await cases_of(intake, "good-1")) == len(await cases_of(intake, "good-2")) == 1


@pytest.mark.parametrize(
    ("body", "status"),
    (
        (b"", 400),
        (b"{}", 400),
        (b"[", 400),
        (b"[{}]", 400),
        (b'[{"labels": {}}]', 400),
        (b'[{"labels": {"a": 1}}]', 400),
        (b'[{"labels": {"a": "b"}, "endsAt": "later"}]', 400),
        (b"[" + b"1," * 600_000 + b"1]", 413),
    ),
    ids=lambda value: str(value)[:20],
)
async def test_errors_are_written_as_alertmanager_writes_them(intake: Intake, body: bytes, status: int) -> None:
    headers = bearer("hotline") | {"content-type": "application/json"}
    answer = await intake.http.post(PATH, content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert isinstance(answer.json(), str)


async def test_keys_and_areas_count_here_too(intake: Intake) -> None:
    assert (await intake.http.post(PATH, json=[])).status_code == 401
    assert (await post(intake, an_alert("no"), key="auditor")).status_code == 403
    elsewhere = await post(intake, an_alert("no", area=EAST_VILLAGE), key="west source")
    assert elsewhere.status_code == 403
    assert await cases_of(intake, "no") == []


@pytest.fixture
async def server(intake: Intake, keyring: KeyRing) -> AsyncIterator[str]:
    http = HttpServer(make_api(intake.doors, keyring, intake.metrics), "127.0.0.1", 0)
    await http.start()
    yield f"http://127.0.0.1:{http.port}"
    await http.stop()


def amtool() -> str:
    found = os.environ.get("WHISTLE_AMTOOL") or shutil.which("amtool")
    if found is None:
        pytest.skip("amtool is not here: put it on PATH, or name it in WHISTLE_AMTOOL")
    return found


async def test_the_real_amtool_opens_a_case(intake: Intake, server: str, tmp_path: Path) -> None:
    program = amtool()
    http_config = tmp_path / "http.yaml"
    http_config.write_text(f"authorization: {{type: Bearer, credentials: {KEYS['hotline'].token}}}\n")
    words = ("alert", "add", "amtool-1", f"area={WEST_VILLAGE}", f"category={GAS_LEAK}", "--annotation=summary=漏气")
    process = await asyncio.create_subprocess_exec(
        program,
        f"--alertmanager.url={server}",
        f"--http.config.file={http_config}",
        *words,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    (case,) = await cases_of(intake, "amtool-1")
    assert case["area"] == WEST_VILLAGE


FUZZED = make_api(
    Doors(store=FakeCaseStore(), playbooks=FakePlaybooks(small_county()), vault=FakeVault(), clock=ToldClock()),
    KeyRing([made.key for made in KEYS.values()]),
    Metrics(),
)
LABELS = st.dictionaries(
    st.sampled_from(("alertname", "area", "lon", "lat", "severity", "category", "drill", "站点")),
    st.one_of(st.text(max_size=20), st.sampled_from((WEST_VILLAGE, "100.5", "25.5", "critical", GAS_LEAK, "1e400"))),
)
ALERTS = st.fixed_dictionaries(
    {"labels": LABELS},
    optional={
        "annotations": st.dictionaries(st.text(max_size=8), st.text(max_size=40), max_size=3),
        "startsAt": st.one_of(st.text(max_size=12), st.sampled_from(("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"))),
        "endsAt": st.one_of(st.none(), st.sampled_from(("0001-01-01T00:00:00Z", "2020-01-01T00:00:00+08:00"))),
        "generatorURL": st.text(max_size=8),
    },
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)


@seed(20261122)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=st.one_of(st.lists(ALERTS, max_size=4), st.lists(ANYTHING, max_size=4), ANYTHING))
async def test_whatever_is_sent_the_answer_is_taken_or_words(body: Any) -> None:
    transport = httpx.ASGITransport(FUZZED, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://intake") as http:
        answer = await http.post(PATH, json=body, headers=bearer("hotline"))
    assert answer.status_code in {200, 400, 403}, answer.text
    assert answer.status_code == 200 or isinstance(answer.json(), str)
