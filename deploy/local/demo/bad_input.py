"""Requests that must be refused, each for one reason; they travel among the good ones."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRequest:
    """One request that intake must refuse with ``status``; ``key`` names whose key is sent (None: no key)."""

    name: str
    status: int
    body: bytes
    content_type: str = JSON
    key: str | None = "source"
    headers: Mapping[str, str] = field(default_factory=dict)


def bad_requests(county: str) -> list[BadRequest]:
    """Return the bad requests for ``county``."""
    good = {"source": "resident", "text": "村口路灯不亮", "area": county}
    return [*_wrong_fields(good), *_wrong_places(good), *_wrong_bytes(good), *_wrong_bearers(good)]


def _wrong_fields(good: Mapping[str, Any]) -> list[BadRequest]:
    return [
        _bad("text missing", 422, {name: value for name, value in good.items() if name != "text"}),
        _bad("text empty", 422, {**good, "text": ""}),
        _bad("text only space", 422, {**good, "text": "　 \n\t "}),
        _bad("text a number", 422, {**good, "text": 110}),
        _bad("text too long", 422, {**good, "text": "长" * 9000}),
        _bad("control characters", 422, {**good, "text": "路灯\u0000不亮\u001b[2J"}),
        _bad("reading direction turned", 422, {**good, "text": "路灯\u202e不亮"}),
        _bad("source unknown", 422, {**good, "source": "carrier-pigeon"}),
        _bad("source missing", 422, {name: value for name, value in good.items() if name != "source"}),
        _bad("category unknown", 422, {**good, "category": "99.999"}),
        _bad("severity out of range", 422, {**good, "severity": 9}),
        _bad("field nobody knows", 422, {**good, "urgent": True}),
        _bad("time without zone", 422, {**good, "occurred_at": "2026-11-21T08:00:00"}),
        _bad("time to come", 422, {**good, "occurred_at": "2099-01-01T00:00:00+08:00"}),
        _bad("too many tags", 422, {**good, "tags": [f"t{n}" for n in range(40)]}),
    ]


def _wrong_places(good: Mapping[str, Any]) -> list[BadRequest]:
    county = str(good["area"])
    placeless = {name: value for name, value in good.items() if name != "area"}
    return [
        _bad("no place at all", 422, placeless),
        _bad("village unknown", 422, {**good, "area": f"{county}999999"}),
        _bad("area no code", 422, {**good, "area": "麓城街道"}),
        _bad("point outside the county", 422, {**placeless, "place": {"lon": 0.0, "lat": 0.0}}),
        _bad("point off the globe", 422, {**placeless, "place": {"lon": 500.0, "lat": 30.0}}),
        _bad("point half", 422, {**placeless, "place": {"lon": 102.0}}),
    ]


def _wrong_bytes(good: Mapping[str, Any]) -> list[BadRequest]:
    text = json.dumps(good, ensure_ascii=False).encode()
    return [
        BadRequest(name="no JSON", status=400, body=b'{"source": "resident", "text": '),
        BadRequest(name="invalid UTF-8", status=400, body=text.replace("路".encode(), b"\xff\xfe")),
        BadRequest(name="a list", status=422, body=b"[]"),
        BadRequest(name="wrong content type", status=415, body=text, content_type="text/plain"),
        BadRequest(name="one megabyte", status=413, body=_json({**good, "text": "长" * 350_000})),
    ]


def _wrong_bearers(good: Mapping[str, Any]) -> list[BadRequest]:
    return [
        BadRequest(name="no key", status=401, body=_json(good), key=None),
        BadRequest(
            name="wrong key", status=401, body=_json(good), key=None, headers={"Authorization": "Bearer wk_0_0"}
        ),
        BadRequest(name="an auditor reports", status=403, body=_json(good), key="auditor"),
        BadRequest(name="client key with a space", status=422, body=_json(good), headers={"Idempotency-Key": "a b"}),
    ]


def _bad(name: str, status: int, body: Mapping[str, Any]) -> BadRequest:
    return BadRequest(name=name, status=status, body=_json(body))


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()
