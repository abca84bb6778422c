"""Whatever the OpenAPI file allows or forbids to be sent, the API answers as the file says and never with a 500."""

from __future__ import annotations

import json
import tempfile
from html import escape
from pathlib import Path
from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.intake.api import make_api
from services.intake.api.limits import RateLimits, Rates
from services.intake.api.public import PublicDoor
from services.intake.darkroom import BlobDarkroom
from services.intake.handlers import Doors
from services.intake.metrics import Metrics
from shared.runtime.auth import KeyRing
from shared.runtime.blobs import open_blobs
from tests.fakes.cap_messages import cap
from tests.fakes.intake import FakeCaseStore, FakePlaybooks, FakeVault, ToldClock
from tests.fakes.small_county import COUNTY, small_county
from tests.integration.intake.harness import KEYS, REPORT, bearer

# On the fake store: schemathesis runs the app in event loops of its own, which a pool of connections does not survive.
API = make_api(
    Doors(store=FakeCaseStore(), playbooks=FakePlaybooks(small_county()), vault=FakeVault(), clock=ToldClock()),
    KeyRing([made.key for made in KEYS.values()]),
    Metrics(),
    RateLimits(rates=Rates(key="off", source="off", address="off")),
    BlobDarkroom(open_blobs(Path(tempfile.mkdtemp(prefix="whistle-openapi-")).as_uri())),
    door=PublicDoor(county=COUNTY),
)
SCHEMA = schemathesis.openapi.from_asgi("/openapi.json", API)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@schemathesis.serializer("application/x-ndjson")
def _lines(_context: Any, text: str) -> bytes:
    """Whatever it says, and one line that is right."""
    return f"{text}\n{json.dumps(dict(REPORT))}\n".encode(errors="replace")


@schemathesis.serializer("application/cap+xml", "application/xml", "text/xml")
def _xml(_context: Any, text: str) -> bytes:
    """Whatever it says, in a message that is all but right."""
    named = f"<identifier>{escape(text[:20])}</identifier>"
    return cap("x").replace(b"<identifier>x</identifier>", named.encode(errors="replace"))


@schemathesis.deserializer("application/x-ndjson")
def _last_line(_context: Any, response: Any) -> Any:
    """Each line is an answer of its own; the last stands for all."""
    return json.loads(response.content.splitlines()[-1])


@SCHEMA.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_names(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers=bearer("operator"), checks=CHECKS)
