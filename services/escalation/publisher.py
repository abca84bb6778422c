"""Edge out to Kafka for what nobody can read; sla events leave through the outbox instead."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from shared.runtime.delivery import Publisher, Rejected, dead_letter
from shared.runtime.delivery.dead_letter import truncated
from shared.runtime.delivery.log import TooLarge

SERVICE: Final = "escalation"


class DeadLetterPublisher:
    """The port ``DeadLetters`` on Kafka."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher

    async def set_aside(self, rejected: Sequence[Rejected], *, now: datetime) -> None:
        """Publish one letter a record; one that the broker finds too large goes without its bytes."""
        for one in rejected:
            letter = dead_letter(one, service=SERVICE, now=now)
            try:
                await self._publisher.publish([letter])
            except TooLarge:
                await self._publisher.publish([truncated(letter)])
