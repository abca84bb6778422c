"""Every failure of a request is a problem that names field, fault and what is allowed, and nothing inside."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, Literal

import httpx
import pytest
from fastapi import Depends, FastAPI, Query
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AwareDatetime, BaseModel, Field

from shared.runtime.auth import KeyRing, Principal, new_key
from shared.runtime.bearer import bearer
from shared.runtime.body import check_json
from shared.runtime.problems import FieldError, Limits, Problem, ProblemHooks, install
from shared.vocabulary import Malformed, Refused, Role

DESK = new_key(role=Role.DESK, area="990101003", name="镇指挥平台")
KEYRING = KeyRing([DESK.key])
TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
JSON = {"content-type": "application/json"}

Seen = list[tuple[str, str, int]]


class Place(BaseModel):
    lon: float = Field(ge=-180, le=180)


class Report(BaseModel, extra="forbid"):
    source: Literal["hotline", "grid"]
    text: str = Field(max_length=5)
    place: Place | None = None
    at: AwareDatetime | None = None
    tags: tuple[str, ...] = ()


class Away(Exception):  # noqa: N818  stands for a database that is away
    pass


class WrongState(Refused):
    pass


def refusal(error: Refused) -> Problem | None:
    if isinstance(error, WrongState):
        return Problem(409, "wrong-state", "Not in this state", state="closed", allowed=["reopen"])
    return None


def an_app(seen: Seen) -> FastAPI:
    app = FastAPI()

    @app.post("/reports")
    async def reports(report: Report) -> Report:
        return report

    @app.delete("/reports")
    async def forget() -> None:
        return None

    @app.get("/cases/{number}")
    async def cases(number: int, size: Annotated[int, Query(ge=1)] = 1) -> int:
        return number * size

    @app.get("/fails/{how}")
    async def fails(how: str) -> None:
        raise {
            "bug": RuntimeError("password=hunter2 in /srv/app.py"),
            "away": Away("10.0.0.7 refused"),
            "refused": Refused("no such area", field="area", allowed=["990101"]),
            "state": WrongState("closed"),
            "malformed": Malformed("half a record"),
            "problem": Problem(410, "gone", "Gone", errors=[FieldError(field="/id", problem="deleted")]),
        }[how]

    @app.get("/operators")
    async def operators(who: Annotated[Principal, Depends(bearer(lambda _: KEYRING, Role.OPERATOR))]) -> str:
        return who.name

    @app.get("/desks")
    async def desks(who: Annotated[Principal, Depends(bearer(lambda _: KEYRING))], area: str) -> str:
        who.must_hold(area)
        return who.name

    install(
        app,
        ProblemHooks(
            refusal=refusal,
            outage=lambda error: "PostgreSQL" if isinstance(error, Away) else None,
            retry_after_seconds=7,
            observe=lambda method, route, status, _seconds: seen.append((method, route, status)),
            limits=Limits(body_bytes=1000, drain_bytes=1500, json_depth=5),
        ),
    )
    return app


@pytest.fixture
def seen() -> Seen:
    return []


@pytest.fixture
async def client(seen: Seen) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(an_app(seen)), base_url="http://whistle") as client:
        yield client


def problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    """The body, after the checks that hold for every problem."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["status"], body["type"]) == (status, status, f"/problems/{slug}")
    assert response.headers["content-type"] == "application/problem+json"
    assert re.fullmatch("[0-9a-f]{32}", body["trace_id"])
    return body


async def test_every_wrong_field_is_named_with_what_is_allowed(client: httpx.AsyncClient) -> None:
    sent = {"source": "radio", "text": "123456", "place": {"lon": 200}, "at": "2026-11-21T08:00:00", "more": 1}
    errors = problem(await client.post("/reports", json=sent), 422, "invalid-field")["errors"]
    assert {error["field"]: error["allowed"] for error in errors} == {
        "/source": ["hotline", "grid"],
        "/text": ["5 or fewer characters or items"],
        "/place/lon": ["180.0 or less"],
        "/at": ["a time with its offset, such as 2026-11-21T08:00:00+08:00"],
        "/more": ["leave it out", "known fields: source, text, place, at, tags"],
    }
    assert all(error["problem"] for error in errors)


async def test_a_list_is_called_a_list_whatever_it_is_inside(client: httpx.AsyncClient) -> None:
    sent = {"source": "grid", "text": "a", "tags": "b"}
    (error,) = problem(await client.post("/reports", json=sent), 422, "invalid-field")["errors"]
    assert error == {"field": "/tags", "problem": "Input should be a valid list", "allowed": ["a list"]}


async def test_a_problem_never_carries_the_value_that_was_sent(client: httpx.AsyncClient) -> None:
    response = await client.post("/reports", json={"source": "张三丰", "text": "13800138000"})
    assert "张三丰" not in response.text
    assert "13800138000" not in response.text


async def test_fields_of_query_and_path_are_marked_as_such(client: httpx.AsyncClient) -> None:
    errors = problem(await client.get("/cases/x?size=0"), 422, "invalid-field")["errors"]
    assert [error["field"] for error in errors] == ["path:number", "?size"]


async def test_a_missing_body_is_a_missing_field(client: httpx.AsyncClient) -> None:
    (error,) = problem(await client.post("/reports"), 422, "invalid-field")["errors"]
    assert error == {"field": "/", "problem": "the body is empty", "allowed": ["a JSON object with source, text"]}


@pytest.mark.parametrize(
    ("content", "words"),
    (
        (b'{"source":', "not JSON at line 1, column 11"),
        (b'{"text": "\xd6\xd0"}', "not UTF-8: byte 10 is 0xd6"),
        (b"[[[[[[1]]]]]]", "nested deeper than 5 levels"),
        (b'{"text": NaN}', "NaN is no JSON number"),
        (b'{"text": 1e400}', "the number at /text is too large"),
        (b'{"text": "a", "text": "b"}', "'text' stands twice"),
        (b'{"text": "a\nb"}', "Invalid control character"),
    ),
)
async def test_bytes_that_are_no_json_say_where(client: httpx.AsyncClient, content: bytes, words: str) -> None:
    body = problem(await client.post("/reports", content=content, headers=JSON), 400, "malformed")
    assert words in body["detail"] + body["errors"][0]["problem"]


@pytest.mark.parametrize(
    ("content", "field"), ((b'{"place": {"a/b": ["\\u0000"]}}', "/place/a~1b/0"), (b'{"text": "\\ud800"}', "/text"))
)
async def test_text_that_cannot_be_stored_is_named(client: httpx.AsyncClient, content: bytes, field: str) -> None:
    body = problem(await client.post("/reports", content=content, headers=JSON), 422, "invalid-field")
    assert body["errors"][0]["field"] == field


async def test_a_body_of_exactly_the_limit_is_read(client: httpx.AsyncClient) -> None:
    content = json.dumps({"source": "grid", "text": "a"}).encode().ljust(1000)
    assert (await client.post("/reports", content=content, headers=JSON)).status_code == 200


async def test_a_body_over_the_limit_is_refused(client: httpx.AsyncClient) -> None:
    body = problem(await client.post("/reports", content=b" " * 1001, headers=JSON), 413, "too-large")
    assert body["limit_bytes"] == 1000


async def test_a_body_without_a_length_is_counted_as_it_comes(client: httpx.AsyncClient) -> None:
    pulled = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal pulled
        while True:
            pulled += 1
            yield b" " * 100

    problem(await client.post("/reports", content=endless(), headers=JSON), 413, "too-large")
    assert pulled < 20


@pytest.mark.parametrize(
    ("headers", "word"),
    (
        ({"content-type": "text/plain"}, "text/plain"),
        ({"content-type": ""}, "no content type"),
        ({"content-type": "application/json; charset=gbk"}, "gbk"),
        ({"content-type": "application/json", "content-encoding": "gzip"}, "compressed"),
    ),
)
async def test_another_kind_of_body_is_refused(client: httpx.AsyncClient, headers: dict[str, str], word: str) -> None:
    response = await client.post("/reports", content=b"{}", headers=headers)
    body = problem(response, 415, "unsupported-media-type")
    assert word in body["detail"]
    assert body["errors"][0]["allowed"]


async def test_a_content_type_may_name_utf_8(client: httpx.AsyncClient) -> None:
    content = '{"source": "grid", "text": "路灯坏"}'.encode()
    headers = {"content-type": 'Application/JSON; charset="UTF-8"'}
    assert (await client.post("/reports", content=content, headers=headers)).status_code == 200


async def test_a_bug_is_a_500_without_internals(client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    response = await client.get("/fails/bug", headers={"traceparent": TRACEPARENT})
    body = problem(response, 500, "internal-error")
    assert body["trace_id"] == TRACEPARENT[3:35]
    assert "hunter2" not in response.text
    assert "RuntimeError" not in response.text
    assert [record.exc_info is not None for record in caplog.records if record.message == "a request failed"] == [True]


async def test_an_outage_is_a_503_that_says_when_to_try_again(client: httpx.AsyncClient) -> None:
    response = await client.get("/fails/away")
    body = problem(response, 503, "unavailable")
    assert response.headers["retry-after"] == "7"
    assert "PostgreSQL" in body["detail"]
    assert "10.0.0.7" not in response.text


async def test_a_refusal_names_its_field(client: httpx.AsyncClient) -> None:
    body = problem(await client.get("/fails/refused"), 422, "refused")
    assert body["errors"] == [{"field": "/area", "problem": "no such area", "allowed": ["990101"]}]


async def test_a_service_says_what_its_own_refusals_mean(client: httpx.AsyncClient) -> None:
    body = problem(await client.get("/fails/state"), 409, "wrong-state")
    assert (body["state"], body["allowed"]) == ("closed", ["reopen"])


async def test_what_an_endpoint_cannot_read_is_a_400(client: httpx.AsyncClient) -> None:
    assert problem(await client.get("/fails/malformed"), 400, "malformed")["detail"] == "half a record"


async def test_a_problem_raised_by_an_endpoint_goes_out_as_it_is(client: httpx.AsyncClient) -> None:
    body = problem(await client.get("/fails/problem"), 410, "gone")
    assert body["errors"] == [{"field": "/id", "problem": "deleted", "allowed": []}]


async def test_an_unknown_address_is_a_404(client: httpx.AsyncClient) -> None:
    problem(await client.get("/nowhere"), 404, "not-found")


async def test_a_wrong_method_names_the_right_ones(client: httpx.AsyncClient) -> None:
    response = await client.put("/reports")
    body = problem(response, 405, "method-not-allowed")
    assert response.headers["allow"] == "POST, DELETE"
    assert body["detail"] == "This method is not taken at this address; allowed: POST, DELETE"
    assert body["errors"][0]["allowed"] == ["POST", "DELETE"]


async def test_no_key_is_a_401_that_says_how_to_get_one(client: httpx.AsyncClient) -> None:
    response = await client.get("/operators")
    body = problem(response, 401, "unauthenticated")
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert "whistle keys new" in body["errors"][0]["allowed"][0]


async def test_a_good_key_of_the_wrong_role_is_a_403(client: httpx.AsyncClient) -> None:
    response = await client.get("/operators", headers={"authorization": f"Bearer {DESK.token}"})
    assert problem(response, 403, "forbidden")["errors"][0]["allowed"] == ["a key with the role operator"]


@pytest.mark.parametrize(("area", "status"), (("990101003012", 200), ("990101004", 403), ("990101", 403)))
async def test_a_key_of_one_town_opens_no_other(client: httpx.AsyncClient, area: str, status: int) -> None:
    response = await client.get("/desks", params={"area": area}, headers={"authorization": f"Bearer {DESK.token}"})
    assert response.status_code == status


async def test_every_answer_has_the_security_headers(client: httpx.AsyncClient) -> None:
    for response in (await client.get("/cases/2"), await client.get("/nowhere"), await client.get("/fails/bug")):
        assert response.headers["x-content-type-options"] == "nosniff"
        assert response.headers["x-frame-options"] == "DENY"
        assert response.headers["content-security-policy"].startswith("default-src 'none'")
        assert response.headers["cache-control"] == "no-store"
        assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", response.headers["traceresponse"])


async def test_requests_are_counted_by_route_never_by_address(client: httpx.AsyncClient, seen: Seen) -> None:
    for address in ("/cases/1", "/cases/2", "/nowhere/3", "/fails/bug"):
        await client.get(address)
    await client.request("BREW", "/cases/1")
    assert seen == [
        ("GET", "/cases/{number}", 200),
        ("GET", "/cases/{number}", 200),
        ("GET", "unmatched", 404),
        ("GET", "/fails/{how}", 500),
        ("_OTHER", "/cases/{number}", 405),
    ]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text('ab中/~"\\'),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab/~"), inner, max_size=3),
    max_leaves=10,
)


@given(json_values)
def test_json_that_python_writes_passes_the_guard(value: object) -> None:
    check_json(json.dumps(value), depth=50)


def test_a_bottomless_body_is_refused_before_it_exhausts_the_stack() -> None:
    with pytest.raises(Problem, match="nested deeper than 32 levels"):
        check_json("[" * 200_000, depth=32)


def slugs_in(folder: str) -> set[str]:
    """Every slug that the code of ``folder`` names: the second argument of Problem, and the table by status."""
    found: set[str] = set()
    for path in Path(folder).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        found |= set(re.findall(r"Problem\(\s*(?:HTTPStatus\.\w+|\d{3}),\s*\"([a-z-]+)\"", text))
        found |= {
            slug
            for line in re.findall(r"_SLUGS: Final = \{(.*?)\}", text, re.DOTALL)
            for slug in re.findall(r'"([a-z-]+)"', line)
        }
    return found


@pytest.mark.parametrize("folder", ("shared", "services"))
def test_every_problem_is_explained_in_the_docs(folder: str) -> None:
    explained = set(re.findall(r"^### `([a-z-]+)`", Path("docs/problems.md").read_text(encoding="utf-8"), re.MULTILINE))
    assert slugs_in(folder) - explained == set()
