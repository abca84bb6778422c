"""The demo's way into intake: reports and actions over HTTP, sent again until there is a final answer."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import httpx

from deploy.local.demo.bad_input import BadRequest
from deploy.local.demo.messages import Draft
from deploy.local.keys import KeyBook

PATIENCE_SECONDS: Final = 60.0
AGAIN_SECONDS: Final = 0.5
TIMEOUT: Final = httpx.Timeout(15.0)


class Unanswered(RuntimeError):  # noqa: N818  named for what happened
    """Intake gave no final answer for :data:`PATIENCE_SECONDS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A final answer: 2xx or 4xx, with its JSON."""

    status: int
    body: Mapping[str, Any]

    @property
    def accepted(self) -> bool:
        """True for 2xx."""
        return self.status < HTTPStatus.MULTIPLE_CHOICES


class Intake:
    """Sends; an outage (no connection, 5xx) is waited out, because the same request may be sent again."""

    def __init__(self, url: str, keys: KeyBook, *, run: str) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=TIMEOUT, trust_env=False)
        self._keys = keys
        self._run = run

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def report(self, draft: Draft, *, key_id: str) -> Answer:
        """Send one report under a client key of its own, so that a repeat is no second case."""
        headers = {**self._bearer(key_id), "Idempotency-Key": f"{self._run}-{draft.name}"}
        return await self._final("/v1/reports", headers=headers, json=draft.body)

    async def bad(self, request: BadRequest, *, key_id: str | None) -> Answer:
        """Send one bad request as it is."""
        bearer = {} if key_id is None else self._bearer(key_id)
        headers = {**bearer, "Content-Type": request.content_type, **request.headers}
        return await self._final("/v1/reports", headers=headers, content=request.body)

    async def act(self, case_id: str, body: Mapping[str, Any], *, key_id: str) -> Answer:
        """Do one action on a case."""
        name = f"{self._run}-{body['action']}-{body.get('order_id', '')}-{time.monotonic_ns()}"
        headers = {**self._bearer(key_id), "Idempotency-Key": name}
        return await self._final(f"/v1/cases/{case_id}/actions", headers=headers, json=body)

    def _bearer(self, key_id: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._keys.token(key_id)}"}

    async def _final(self, path: str, **request: Any) -> Answer:  # noqa: ANN401  httpx's own keywords
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                response = await self._client.post(path, **request)
                if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR:
                    return Answer(status=response.status_code, body=_json(response))
                trouble = f"{response.status_code}"
            except httpx.TransportError as error:
                trouble = f"{type(error).__name__} {error}"
            if time.monotonic() > deadline:
                raise Unanswered(f"{path}: {trouble} for {PATIENCE_SECONDS:.0f} s")
            await asyncio.sleep(AGAIN_SECONDS)


def _json(response: httpx.Response) -> Mapping[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
