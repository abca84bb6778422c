"""A webhook receiver of the demo: verifies each signature, keeps which events came, and now and then fails once."""

from dataclasses import dataclass, field
from typing import Final

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.local.ports import LOOPBACK, free_port
from shared.runtime.serving import HttpServer

FAIL_EVERY: Final = 60
"""Each so manyth new delivery is answered 500 once, so that a retry can be seen."""


@dataclass(slots=True)
class Inbox:
    """What one subscription has received: event ids, and how often a signature was wrong or an event came twice."""

    secret: str
    events: set[str] = field(default_factory=set)
    failed_once: set[str] = field(default_factory=set)
    repeats: int = 0
    forged: int = 0


class Sink:
    """An HTTP server on the loopback address with one path a subscription."""

    def __init__(self) -> None:
        self.inboxes: dict[str, Inbox] = {}
        self._server = HttpServer(
            Starlette(routes=[Route("/{name}", self._receive, methods=["POST"])]), LOOPBACK, free_port()
        )

    async def start(self) -> None:
        """Listen."""
        await self._server.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._server.stop()

    def url(self, name: str) -> str:
        """Return where deliveries for the inbox ``name`` go."""
        return f"http://{LOOPBACK}:{self._server.port}/{name}"

    async def _receive(self, request: Request) -> Response:
        inbox = self.inboxes.get(request.path_params["name"])
        if inbox is None:
            return Response(status_code=503)
        body = await request.body()
        try:
            told = Webhook(inbox.secret).verify(body, dict(request.headers))
        except WebhookVerificationError:
            inbox.forged += 1
            return Response(status_code=400)
        return Response(status_code=self._keep(inbox, str(told["data"]["event_id"])))

    @staticmethod
    def _keep(inbox: Inbox, event_id: str) -> int:
        if event_id in inbox.events:
            inbox.repeats += 1
            return 204
        if (len(inbox.events) + 1) % FAIL_EVERY == 0 and event_id not in inbox.failed_once:
            inbox.failed_once.add(event_id)
            return 500
        inbox.events.add(event_id)
        return 204
