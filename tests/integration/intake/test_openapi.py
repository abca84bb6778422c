"""Whatever the OpenAPI file allows or forbids to be sent, the API answers as the file says and never with a 500."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from services.intake.api import describe_api, make_api
from services.intake.api.limits import RateLimits, Rates
from services.intake.api.public import PublicDoor
from services.intake.darkroom import BlobDarkroom, KeptPhotos
from services.intake.store.photos import PostgresPhotos
from shared.runtime.auth import KeyRing
from shared.runtime.blobs import open_blobs
from shared.runtime.serving import HttpServer
from tests.fakes.cap_messages import cap
from tests.fakes.small_county import COUNTY
from tests.integration.intake.harness import KEYS, REPORT, bearer, opened

SCHEMA = schemathesis.openapi.from_dict(describe_api().openapi())
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
ANSWER_SECONDS = 60
"""A request may carry 1,000 alerts; on a busy machine that takes longer than the client's own 10 s."""


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


@asynccontextmanager
async def served(postgres: str, photos: Path) -> AsyncIterator[str]:
    """Where intake answers, with every door open and nobody held back."""
    keyring = KeyRing([made.key for made in KEYS.values()])
    off = RateLimits(rates=Rates(key="off", source="off", address="off"))
    async with opened(postgres, keyring) as intake:
        darkroom = BlobDarkroom(KeptPhotos(open_blobs(photos.as_uri()), PostgresPhotos(intake.pool)))
        custody = replace(intake.custody, photos=darkroom.photos)
        door = PublicDoor(county=COUNTY)
        api = make_api(intake.doors, keyring, intake.metrics, off, darkroom, custody, door=door)
        server = HttpServer(api, "127.0.0.1", 0)
        await server.start()
        yield f"http://127.0.0.1:{server.port}"
        await server.stop()
        darkroom.close()


@pytest.fixture(scope="module")
def url(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An intake in a loop and a thread of its own: schemathesis blocks."""
    up, ended = threading.Event(), asyncio.Event()
    found: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with served(postgres, tmp_path_factory.mktemp("photos")) as address:
            found.append(address)
            up.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert up.wait(60)
    yield found[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(30)
    loop.close()


@SCHEMA.parametrize()
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_names(case: schemathesis.Case[Any], url: str) -> None:
    case.call_and_validate(base_url=url, headers=bearer("operator"), checks=CHECKS, timeout=ANSWER_SECONDS)
