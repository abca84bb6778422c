"""Whatever the OpenAPI file allows or forbids to be asked, the API answers as the file says and never with a 500."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
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

from services.notifier.api.endpoints import bare_api
from shared.runtime.postgres import open_pool
from shared.tracking import digest_of_code
from tests.fakes.notifier import Life, whole_life
from tests.integration.notifier.harness import VILLAGE, bearer, empty, house, migrated

STREAMS = ("/v1/stream", "/v1/track/{code}/stream")
"""They do not end; their answers are tested where they are listened to."""
OTHERS = ("/v1/explain",)
"""The router answers it; without one it is 503, which is tested where it is asked."""
ANSWER_SECONDS = 60
CODE = "K7QM-2XVN-8RTD-C4HP"
SCHEMA = schemathesis.openapi.from_dict(bare_api().openapi()).exclude(path=[*STREAMS, *OTHERS])
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@pytest.fixture(scope="module")
def url(postgres: str) -> Iterator[str]:
    """A notifier with two cases in it, in a loop and a thread of its own: schemathesis blocks."""
    opened, ended = threading.Event(), asyncio.Event()
    found: list[str] = []
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        await migrated(postgres)
        pool = await open_pool(postgres, "notifier")
        await empty(pool)
        await pool.close()
        async with house(postgres, rate_address="off", listen=False) as notifier:
            first = Life(name="asked", area=VILLAGE, tracking=digest_of_code(CODE))
            await notifier.tell([*first.events, *whole_life("done", area=VILLAGE).events])
            found.append(notifier.url)
            opened.set()
            await ended.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert opened.wait(60)
    yield found[0]
    loop.call_soon_threadsafe(ended.set)
    thread.join(30)
    loop.close()


@SCHEMA.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_answer_is_one_that_the_document_names(case: schemathesis.Case[Any], url: str) -> None:
    case.call_and_validate(base_url=url, headers=bearer("county"), checks=CHECKS, timeout=ANSWER_SECONDS)
