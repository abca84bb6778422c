"""An HTTP server that lives inside a service's own event loop and leaves its signals alone."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import uvicorn

from shared.runtime.wire import BoundedProtocol


class HttpServer:
    """Serves one ASGI app on ``host``:``port``; port 0 takes a free one.

    ``start`` returns when connections are accepted, ``stop`` when the open requests have ended or ``grace_seconds``
    are over. The app's lifespan is not run: the service's composition root opens and closes what the app needs.
    """

    def __init__(self, app: Any, host: str, port: int, *, grace_seconds: int = 10, connections: int = 2000) -> None:  # noqa: ANN401  ASGI apps have no common type
        self._host = host
        self._asked_port = port
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None
        self._server = _Server(
            uvicorn.Config(
                app,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                limit_concurrency=connections,
                http=BoundedProtocol,
                ws="none",
                timeout_keep_alive=30,
                timeout_graceful_shutdown=grace_seconds,
                reset_contextvars=True,
            )
        )

    @property
    def port(self) -> int:
        """The port it listens on; before ``start`` the one it was asked for."""
        return self._asked_port if self._socket is None else int(self._socket.getsockname()[1])

    async def start(self) -> None:
        """Listen, and return when the first connection would be answered.

        Raises:
            OSError: when the address cannot be had; the message names host and port.
        """
        self._socket = _bound(self._host, self._asked_port)
        self._task = asyncio.create_task(
            self._server.serve(sockets=[self._socket]), name=f"http {self._host}:{self.port}"
        )
        while not self._server.started:
            if self._task.done():
                await self._task
                raise RuntimeError(f"the HTTP server on {self._host}:{self.port} ended while it started")
            await asyncio.sleep(_START_TICK_SECONDS)

    async def stop(self) -> None:
        """Stop accepting, let open requests end, close; safe to call twice."""
        if self._task is None:
            return
        self._server.should_exit = True
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None


_START_TICK_SECONDS: Final = 0.005


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers: SIGTERM belongs to the service, which closes its rooms in order."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _bound(host: str, port: int) -> socket.socket:
    """A listening socket of our own: uvicorn ends the process when it cannot bind."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        message = f"cannot listen on {host}:{port}: {error.strerror}; choose another port or stop what holds it"
        raise OSError(error.errno, message) from error
