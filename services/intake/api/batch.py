"""Many reports in one request, one a line; each line is answered by a line as soon as it is durable.

Both bodies flow at a time and nothing of them is kept: a client that reads while it sends may send without end.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.routing import APIRouter
from starlette.types import Receive, Scope, Send

from services.intake.api.bodies.lines import LineAnswerBody
from services.intake.api.fronts import BATCH, NDJSON
from services.intake.api.rooms import IdempotencyKey, asker, problems, rooms_of
from services.intake.api.upload import Sender, Upload
from services.intake.domain.life.permissions import Bearer

_LINES: Final = "One ReportBody as JSON a line, in UTF-8; a field `key` more is the line's own Idempotency-Key."
_BODY: Final[dict[str, Any]] = {
    "required": True,
    "content": {NDJSON: {"schema": {"type": "string", "description": _LINES}}},
}

router = APIRouter()


class BatchAnswer(Response):
    """The answer that is written while the request is read."""

    def __init__(self, upload: Upload) -> None:
        super().__init__(media_type=NDJSON)
        self._upload = upload

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  the shape of ASGI
        """Read and write until both have ended."""
        headers = [(b"content-type", NDJSON.encode())]
        await self._upload.run(
            receive, Sender(send, {"type": "http.response.start", "status": 200, "headers": headers})
        )


@router.post(
    BATCH,
    summary="Send many reports, one a line",
    response_class=Response,
    responses={
        200: {
            "description": "A line for each line, in their order, each as soon as its report is durable or refused.",
            "content": {NDJSON: {"schema": {"$ref": "#/components/schemas/LineAnswerBody"}}},
            "model": LineAnswerBody,
        },
        **problems(401, 403, 413, 415, 422),
    },
    openapi_extra={"requestBody": _BODY},
)
async def post_batch(
    request: Request, bearer: Annotated[Bearer, Depends(asker)], idempotency_key: IdempotencyKey = None
) -> Response:
    """Send reports as NDJSON: one `ReportBody` a line, at most 256 kB each. A wrong line stops no other.

    A line's own `key`, or the request's `Idempotency-Key` with the line's number, makes it harmless to send a broken
    upload again. Read the answer while you send: 4 MiB of it wait for you, then no more is read.
    """
    return BatchAnswer(Upload(rooms=rooms_of(request), bearer=bearer, key=idempotency_key))
