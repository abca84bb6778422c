"""Kafka in: everything on the topics of cases, orders and clocks; records become events, or dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from services.notifier.domain.fold import Told
from services.notifier.domain.telling import Telling
from services.notifier.handlers import notify_batch
from services.notifier.ports import ReadSide, Unstorable
from services.notifier.settings import Settings
from shared.events.codec import decode
from shared.events.envelope import Event
from shared.events.topics import CASE, ORDER, SLA
from shared.runtime.delivery import (
    DeliveryLoop,
    DeliverySettings,
    KafkaLog,
    KafkaSettings,
    Meter,
    Outcome,
    Publisher,
    Record,
    Rejected,
    RejectionLimits,
)
from shared.vocabulary import Malformed

GROUP: Final = "whistle-notifier"
TOPICS: Final = (CASE, *ORDER.values(), SLA)
TOLD: Final = tuple(kind for topic in TOPICS for kind in topic.types)


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """What telling needs; ``told`` is called with what was new, after its commit."""

    read_side: ReadSide
    clock: Callable[[], datetime]
    told: Callable[[Sequence[Telling]], None] = lambda _tellings: None

    async def handle(self, records: Sequence[Record]) -> Outcome:
        """Tell a batch in one transaction; what nobody can read or store is rejected with its reason."""
        rejected: list[Rejected] = []
        readable: list[tuple[Record, Event[Told]]] = []
        for record in records:
            try:
                readable.append((record, event_of(record)))
            except Malformed as malformed:
                rejected.append(Rejected(record=record, reason=malformed.reason))
        try:
            await self._tell([event for _, event in readable])
        except Unstorable:
            rejected.extend(await self._tell_singly(readable))
        return Outcome(rejected=rejected)

    async def _tell(self, events: Sequence[Event[Told]]) -> None:
        self.told(await notify_batch(events, read_side=self.read_side, now=self.clock()))

    async def _tell_singly(self, readable: Sequence[tuple[Record, Event[Told]]]) -> list[Rejected]:
        """One event among them can never be stored: find it, and tell the others in their order."""
        rejected: list[Rejected] = []
        for record, event in readable:
            try:
                await self._tell([event])
            except Unstorable as unstorable:
                rejected.append(Rejected(record=record, reason=f"cannot be stored: {unstorable}"))
        return rejected


def event_of(record: Record) -> Event[Told]:
    """Read one record.

    Raises:
        Malformed: when it is no event of the topics that the notifier listens to.
    """
    event = decode(record.value, record.headers)
    if not isinstance(event.data, TOLD):
        raise Malformed(f"{event.type} does not belong on {record.topic}")
    return cast("Event[Told]", event)


def notify_loop(settings: Settings, teller: Teller, publisher: Publisher, meter: Meter) -> DeliveryLoop:
    """The loop that tells; ``publisher`` carries its dead letters."""
    log = KafkaLog(
        KafkaSettings(
            bootstrap=settings.kafka,
            group=GROUP,
            topics=tuple(topic.name for topic in TOPICS),
            instance=settings.instance,
        ),
        publisher,
    )
    return DeliveryLoop(
        log,
        teller.handle,
        settings=DeliverySettings(
            service="notifier",
            batch_records=settings.batch_records,
            fetch_wait=timedelta(milliseconds=200),
            limits=RejectionLimits(
                max_rejected_ratio=settings.max_rejected_ratio, max_rejected_in_a_row=settings.max_rejected_in_a_row
            ),
            # Readers and webhooks go on from what has been told.
            linger=None,
        ),
        meter=meter,
    )
