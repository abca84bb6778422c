"""The ops port of a service: is it alive, is it ready, what do its metrics say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from shared.runtime.serving import HttpServer


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """An answer to a probe: ``ok``, and per check what is wrong in one sentence (None = fine)."""

    ok: bool
    checks: Mapping[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, **checks: str | None) -> Health:
        """Healthy when every check is None; ``Health.of(kafka=None, postgres="no connection for 12 s")``."""
        return cls(ok=all(reason is None for reason in checks.values()), checks=checks)


Probe = Callable[[], Health]


class OpsServer:
    """``/livez``, ``/readyz`` and ``/metrics`` on their own port, inside the service's own event loop.

    ``live`` says whether work makes progress (an outage of Kafka or PostgreSQL alone must not fail it: a restart
    would not help); the loop's own heartbeat is checked beside it. ``ready`` says whether work can be taken now.
    ``routes`` are what else the service answers inside the cluster.
    """

    def __init__(  # noqa: PLR0913  an address, two probes, and what the port answers
        self,
        host: str,
        port: int,
        *,
        live: Probe,
        ready: Probe,
        registry: CollectorRegistry = REGISTRY,
        stall_seconds: float = 30.0,
        routes: Sequence[BaseRoute] = (),
    ) -> None:
        self._routes = tuple(routes)
        self._live = live
        self._ready = ready
        self._registry = registry
        self._heartbeat = Heartbeat(stall_seconds)
        self._server = HttpServer(self._app(), host, port)

    @property
    def port(self) -> int:
        """The port it listens on; the real one when it was asked for port 0."""
        return self._server.port

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: when the port is taken; the message names host and port.
        """
        await self._server.start()
        self._heartbeat.start()

    async def stop(self) -> None:
        """Stop listening; safe to call twice, and before ``start``."""
        await self._heartbeat.stop()
        await self._server.stop()

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/livez", self._livez),
                Route("/readyz", self._readyz),
                Route("/metrics", self._metrics),
                *self._routes,
            ]
        )

    async def _livez(self, _request: Request) -> Response:
        health = _asked(self._live)
        checks = {"event_loop": self._heartbeat.complaint(), **health.checks}
        return _answer(Health(ok=health.ok and checks["event_loop"] is None, checks=checks))

    async def _readyz(self, _request: Request) -> Response:
        return _answer(_asked(self._ready))

    async def _metrics(self, request: Request) -> Response:
        encode, media_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(self._registry), headers={"content-type": media_type})


class Heartbeat:
    """A task that ticks in the event loop; a loop that is held up misses its ticks."""

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._ticked = time.monotonic()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._ticked = time.monotonic()
        self._task = asyncio.create_task(self._run(), name="heartbeat")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    def complaint(self) -> str | None:
        """What is wrong with the loop, or None."""
        silent = time.monotonic() - self._ticked
        if silent <= self._stall_seconds:
            return None
        return f"the event loop has not ticked for {silent:.0f} s, allowed: {self._stall_seconds:g} s"

    async def _run(self) -> None:
        while True:
            self._ticked = time.monotonic()
            await asyncio.sleep(_TICK_SECONDS)


_TICK_SECONDS: Final = 1.0
_OK: Final = 200
_UNAVAILABLE: Final = 503


def _asked(probe: Probe) -> Health:
    """A probe that raises is an answer too: not healthy, and why."""
    try:
        return probe()
    except Exception as error:  # noqa: BLE001  whatever it is, the prober must read it instead of a reset connection
        return Health(ok=False, checks={"probe": f"{type(error).__name__} while checking"})


def _answer(health: Health) -> JSONResponse:
    body = {
        "ok": health.ok,
        "checks": {name: {"ok": reason is None, "why": reason} for name, reason in health.checks.items()},
    }
    return JSONResponse(body, status_code=_OK if health.ok else _UNAVAILABLE, headers={"cache-control": "no-store"})
