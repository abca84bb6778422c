"""A department's own web server: takes webhooks, checks each signature by the public library, keeps what came."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(slots=True)
class Sink:
    """What was delivered; ``secrets`` are those of the subscriptions that lead here, by path."""

    url: str
    secrets: dict[str, str] = field(default_factory=dict)
    bodies: dict[str, Any] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    times: Counter[str] = field(default_factory=Counter)
    unsigned: list[str] = field(default_factory=list)
    """Why each delivery that nobody we know had signed was refused."""

    def cases(self) -> set[str]:
        """The ids of the cases that were delivered."""
        return {body["data"]["case_id"] for body in list(self.bodies.values())}

    def take(self, path: str, headers: dict[str, str], body: bytes) -> bool:
        """Keep a delivery; False when nobody we know signed it."""
        try:
            told = Webhook(self.secrets[path]).verify(body, headers)
        except Exception as error:  # noqa: BLE001  whatever is wrong with it, it is not ours
            self.unsigned.append(f"{path}: {error!r}")
            return False
        delivery_id = headers["webhook-id"]
        self.bodies[delivery_id] = told
        self.headers[delivery_id] = headers
        self.times[delivery_id] += 1
        return True


@contextmanager
def sink() -> Iterator[Sink]:
    """A sink that listens on loopback while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["content-length"])
            body = self.rfile.read(length)
            if len(body) < length:
                # Its sender died in mid-sentence: a server that reads half a request takes nothing.
                self.close_connection = True
                return
            taken = kept.take(self.path, {name.lower(): text for name, text in self.headers.items()}, body)
            self.send_response(204 if taken else 401)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the signature of http.server
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    kept = Sink(url=f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=10)
