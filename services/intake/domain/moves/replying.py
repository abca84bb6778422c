"""The four things that an answer to a reporter must name (答复四要素)."""

from __future__ import annotations

from typing import Final

from services.intake.domain.asking.requests import ReplyRequest
from shared.events.parts import Reply
from shared.vocabulary import Refused

ELEMENTS: Final = {
    "accepted_at": "when the matter was accepted, with the offset",
    "spoken_with": "with whom was spoken",
    "done": "what was done",
    "done_by": "by when it is or was done, with the offset",
}


def reply_of(request: ReplyRequest | None, *, required: bool) -> Reply | None:
    """The reply, whole or not there at all.

    Raises:
        Refused: it is ``required`` and not there, or an element is missing; names each.
    """
    if request is None and not required:
        return None
    given = request or ReplyRequest()
    missing = [name for name in ELEMENTS if not getattr(given, name)]
    if missing or given.accepted_at is None or given.done_by is None:
        raise Refused(
            f"the reply lacks {', '.join(missing)}",
            field=f"reply.{missing[0]}" if request is not None else "reply",
            allowed=[f"{name}: {ELEMENTS[name]}" for name in missing],
        )
    return Reply(accepted_at=given.accepted_at, spoken_with=given.spoken_with, done=given.done, done_by=given.done_by)
