"""Follows the notifier's live stream and hands on each event once, across every break of the connection."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from httpx_sse import SSEError, aconnect_sse

AGAIN_SECONDS: Final = 1.0
# More than two heartbeats of the stream; silence beyond it means that the connection is dead.
SILENCE_SECONDS: Final = 45.0
CONTROL: Final = frozenset({"live", "heartbeat", "resync", "goodbye"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One event of the stream."""

    type: str
    case_id: str
    words: str
    words_en: str
    case: Mapping[str, Any]
    data: Mapping[str, Any]

    @property
    def tags(self) -> frozenset[str]:
        """The case's tags."""
        return frozenset(self.case["tags"])


async def follow(url: str, token: str) -> AsyncIterator[Heard]:
    """Yield what happens from now on, for ever; after a break it resumes from the last position."""
    last = ""
    timeout = httpx.Timeout(10.0, read=SILENCE_SECONDS)
    async with httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False) as client:
        while True:
            headers = {"Authorization": f"Bearer {token}", **({"Last-Event-ID": last} if last else {})}
            try:
                async with aconnect_sse(client, "GET", "/v1/stream", headers=headers) as source:
                    source.response.raise_for_status()
                    async for event in source.aiter_sse():
                        last = event.id or last
                        told = event.json() if event.data and event.event not in CONTROL else {}
                        if told.get("case"):
                            yield _heard(told)
            except (httpx.HTTPError, SSEError):
                pass
            await asyncio.sleep(AGAIN_SECONDS)


def _heard(told: Mapping[str, Any]) -> Heard:
    words = told["words"]
    return Heard(
        type=str(told["type"]),
        case_id=str(told["case"]["case_id"]),
        words=str(words["zh"]),
        words_en=str(words["en"]),
        case=told["case"],
        data=told["data"],
    )
