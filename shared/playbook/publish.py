"""Puts a playbook into force: one record on `whistle.playbook.v1`, keyed by its county."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Protocol

from shared.events.codec import Message
from shared.playbook.check import check
from shared.playbook.digest import digest_of
from shared.playbook.model import Playbook
from shared.playbook.record import content_of, to_message
from shared.vocabulary import Refused


class Publishes(Protocol):
    """What publishing needs of `shared.runtime.delivery.Publisher`."""

    def publish(self, messages: Sequence[Message]) -> Awaitable[None]:
        """Return when every message is acknowledged."""


async def publish(playbook: Playbook, publisher: Publishes, *, now: datetime) -> Message:
    """Return the record once the broker has acknowledged it; every service then switches to it.

    Publishing the same content again is harmless: it carries the same id and digest.

    Raises:
        Refused: the playbook does not pass its checks, or its digest is not that of its content.
    """
    findings = check(playbook, today=now.date())
    if findings:
        raise Refused(f"the playbook has {len(findings)} problem(s), first: {findings[0]}", field="playbook")
    if playbook.digest != digest_of(content_of(playbook)):
        raise Refused("the digest is not that of the content: load or seal the playbook first", field="digest")
    message = to_message(playbook, published_at=now)
    await publisher.publish([message])
    return message
