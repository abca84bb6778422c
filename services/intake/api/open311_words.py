"""Answers and errors as GeoReport v2 writes them, in JSON and XML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from html import escape
from typing import Any, Final

from services.intake.api.fronts import Foreign

JSON: Final = "application/json"
XML: Final = "text/xml; charset=utf-8"

_NAMES: Final = {
    "area": "jurisdiction_id",
    "place": "lat, long",
    "category": "service_code",
    "text": "description",
    "reporter/name": "first_name, last_name",
    "reporter/phone": "phone",
    "reporter/address": "address_string",
    "Authorization": "api_key",
}
"""Our fields by theirs."""
_STATUSES: Final = {401: 403, 422: 400}
"""Theirs, where the protocol has a status of its own: 403 for a key that is not good, 400 for what is wrong."""
_NOT_IN_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def accepted(path: str, answer: Mapping[str, Any]) -> tuple[bytes, str]:
    """Body and media type for a request that is durable; its id is the case's."""
    request = {
        "service_request_id": answer["case_id"],
        "service_notice": _notice(answer),
        "account_id": "",
    }
    if _is_json(path):
        return json.dumps([request], ensure_ascii=False).encode(), JSON
    return _xml("service_requests", "request", request), XML


def refused(path: str, problem: Mapping[str, Any]) -> Foreign:
    """Errors: an array in JSON, a list in XML, each with ``code`` and ``description``."""
    status = _STATUSES.get(problem["status"], problem["status"])
    errors = [_words(error) for error in problem.get("errors", ())] or [problem.get("detail") or problem["title"]]
    listed = [{"code": str(status), "description": words} for words in errors]
    if _is_json(path):
        return Foreign(status=status, media_type=JSON, body=json.dumps(listed, ensure_ascii=False).encode())
    return Foreign(status=status, media_type=XML, body=_xml("errors", "error", *listed))


def _notice(answer: Mapping[str, Any]) -> str:
    code = answer.get("tracking_code")
    merged = "已并入同一事项 / it joins others of the same matter; " if answer.get("merged") else ""
    follow = f"查询码 / tracking code {code}" if code else ""
    return f"{merged}{follow}".strip("; ")


def _words(error: Mapping[str, Any]) -> str:
    field = str(error["field"]).removeprefix("/")
    named = f"{_NAMES.get(field, field)}: " if field else ""
    allowed = f"; allowed: {', '.join(error['allowed'])}" if error.get("allowed") else ""
    return f"{named}{str(error['problem']).removeprefix('Value error, ')}{allowed}"


def _xml(root: str, name: str, *entries: Mapping[str, str]) -> bytes:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', f"<{root}>"]
    for entry in entries:
        fields = "".join(f"<{field}>{_text(value)}</{field}>" for field, value in entry.items())
        lines.append(f"<{name}>{fields}</{name}>")
    return "\n".join([*lines, f"</{root}>", ""]).encode()


def _text(value: str) -> str:
    return escape(_NOT_IN_XML.sub(" ", value), quote=False)


def _is_json(path: str) -> bool:
    return path.endswith(".json")
