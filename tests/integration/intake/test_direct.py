"""The routes that are read by hand take and refuse what FastAPI would, in the same words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, APIRouter

from services.intake.api import make_api
from services.intake.api.actions import post_action
from services.intake.api.reports import post_report
from shared.runtime.auth import KeyRing
from tests.integration.intake.harness import REPORT, Intake, bearer

SOME_CASE = uuid4()
REPORTS, ACTIONS = "/v1/reports", f"/v1/cases/{SOME_CASE}/actions"
FULL = {
    **REPORT,
    "place": {"lon": 0.5, "lat": 0.5, "address": "一号"},
    "severity": 2,
    "tags": ["甲", "乙"],
    "reporter": {"name": "张三"},
    "occurred_at": "2020-01-02T03:04:05+08:00",
}
ASKED: Mapping[str, tuple[str, Any, Mapping[str, str]]] = {
    "no body": (REPORTS, None, {}),
    "a list": (REPORTS, [], {}),
    "null": (REPORTS, "null", {}),
    "a field too many": (REPORTS, {**REPORT, "surprise": 1}, {}),
    "nothing in it": (REPORTS, {}, {}),
    "an unknown source": (REPORTS, {**REPORT, "source": "nobody"}, {}),
    "too long": (REPORTS, {**REPORT, "text": "x" * 8001}, {}),
    "a text for a number": (REPORTS, {**REPORT, "place": {"lon": "1", "lat": 2}}, {}),
    "a boolean for a number": (REPORTS, {**REPORT, "place": {"lon": True, "lat": 2}}, {}),
    "too many tags": (REPORTS, {**REPORT, "tags": ["x"] * 33}, {}),
    "an empty tag": (REPORTS, {**REPORT, "tags": [""]}, {}),
    "a time without its offset": (REPORTS, {**REPORT, "occurred_at": "2026-01-01T00:00:00"}, {}),
    "a severity that is none": (REPORTS, {**REPORT, "severity": 5}, {}),
    "a severity as text": (REPORTS, {**REPORT, "severity": "1"}, {}),
    "a severity with a fraction": (REPORTS, {**REPORT, "severity": 1.5}, {}),
    "a drill as text": (REPORTS, {**REPORT, "drill": "maybe"}, {}),
    "a bad key": (REPORTS, REPORT, {"Idempotency-Key": "a b"}),
    "a long key and a bad body": (REPORTS, {**REPORT, "text": ""}, {"Idempotency-Key": "x" * 129}),
    "everything": (REPORTS, FULL, {"Idempotency-Key": "full"}),
    "an unknown action": (ACTIONS, {"action": "dance"}, {}),
    "no case of that id": (ACTIONS, {"action": "sign"}, {}),
    "no case id at all": ("/v1/cases/seven/actions", {"action": "sign", "rating": 7}, {"Idempotency-Key": " "}),
    "an order id that is none": (ACTIONS, {"action": "sign", "order_id": "x"}, {}),
    "nobody to transfer to": (ACTIONS, {"action": "transfer", "to": {"kind": "moon", "id": ""}}, {}),
}


@pytest.fixture
def solved(intake: Intake, keyring: KeyRing) -> FastAPI:
    """The same endpoints on FastAPI's own routes."""
    app = make_api(intake.doors, keyring, intake.metrics)
    app.direct = None
    router = APIRouter(prefix="/v1", route_class=APIRoute)
    router.add_api_route("/reports", post_report, methods=["POST"], status_code=201)
    router.add_api_route("/cases/{case_id}/actions", post_action, methods=["POST"])
    app.router.routes[:0] = router.routes
    return app


@pytest.mark.parametrize("name", ASKED)
async def test_it_answers_as_fastapi_does(intake: Intake, solved: FastAPI, name: str) -> None:
    path, body, more = ASKED[name]
    content = body if isinstance(body, str) else "" if body is None else json.dumps(body)
    headers = {"Content-Type": "application/json", **bearer("county desk"), **more}
    direct = await intake.http.post(path, content=content, headers=headers)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(solved), base_url="http://solved") as http:
        by_fastapi = await http.post(path, content=content, headers=headers)
    assert direct.status_code == by_fastapi.status_code
    assert _lasting(direct.json()) == _lasting(by_fastapi.json())


JSON = {"Content-Type": "application/json"}
RAW: Mapping[str, tuple[str, str, bytes, Mapping[str, str]]] = {
    "no key": ("POST", REPORTS, b"{}", JSON),
    "a key of nobody": ("POST", ACTIONS, b"{}", {**JSON, "Authorization": "Bearer wk_none_x"}),
    "no JSON": ("POST", REPORTS, b"{", {**JSON, **bearer("county desk")}),
    "a name twice": ("POST", REPORTS, b'{"text":"a","text":"b"}', {**JSON, **bearer("county desk")}),
    "a zero byte": ("POST", REPORTS, b'{"text":"\\u0000"}', {**JSON, **bearer("county desk")}),
    "another type": ("POST", REPORTS, b"a,b", {"Content-Type": "text/csv", **bearer("county desk")}),
    "too large": ("POST", ACTIONS, b" " * 300_000, {**JSON, **bearer("county desk")}),
    "a reader": ("POST", REPORTS, json.dumps(REPORT).encode(), {**JSON, **bearer("auditor")}),
    "to be looked at": ("GET", REPORTS, b"", bearer("county desk")),
    "its head": ("HEAD", ACTIONS, b"", bearer("county desk")),
    "what it takes": ("OPTIONS", REPORTS, b"", {}),
    "a slash more": ("POST", f"{REPORTS}/", b"{}", {**JSON, **bearer("county desk")}),
    "a line more": ("POST", f"{ACTIONS}%0A", b"{}", {**JSON, **bearer("county desk")}),
    "a slash in the id": ("POST", "/v1/cases/a%2Fb/actions", b"{}", {**JSON, **bearer("county desk")}),
}


@pytest.mark.parametrize("name", RAW)
async def test_status_and_headers_are_those_of_the_other_way(intake: Intake, solved: FastAPI, name: str) -> None:
    method, path, content, headers = RAW[name]
    direct = await intake.http.request(method, path, content=content, headers=headers)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(solved), base_url="http://solved") as http:
        other = await http.request(method, path, content=content, headers=headers)
    assert direct.status_code == other.status_code
    assert _kept(direct.headers) == _kept(other.headers)
    if direct.headers.get("content-type", "").endswith("json") and method != "HEAD":
        assert _lasting(direct.json()) == _lasting(other.json())


async def test_both_ways_are_measured_as_one_route(intake: Intake, solved: FastAPI) -> None:
    headers = {**JSON, **bearer("county desk")}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(solved), base_url="http://solved") as http:
        for client in (intake.http, http):
            await client.post(f"/v1/cases/{uuid4()}/actions", content=b'{"action":"sign"}', headers=headers)
    labels = {"method": "POST", "route": "/v1/cases/{case_id}/actions", "status": "404"}
    assert intake.metrics.registry.get_sample_value("whistle_intake_http_request_seconds_count", labels) == 2


@pytest.mark.parametrize("path", (REPORTS, ACTIONS))
async def test_who_asks_is_looked_at_before_what_is_asked(intake: Intake, path: str) -> None:
    answer = await intake.http.post(path, content="{}", headers={"Content-Type": "application/json"})
    assert answer.status_code == 401


def _kept(headers: httpx.Headers) -> dict[str, str]:
    """What does not belong to this one request."""
    return {name: value for name, value in headers.items() if name not in {"traceresponse", "location"}}


def _lasting(answer: dict[str, Any]) -> dict[str, Any]:
    """What does not belong to this one request."""
    mine = {"trace_id", "report_id", "case_id", "tracking_code", "alike", "merged", "why", "version"}
    return {name: value for name, value in answer.items() if name not in mine}
