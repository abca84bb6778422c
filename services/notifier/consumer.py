"""Kafka in: all that is said of cases, orders, clocks and modes; records become events, or dead letters."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, cast

from services.notifier.domain.canary import Sighting, sighted
from services.notifier.domain.fold import Told
from services.notifier.domain.telling import Telling
from services.notifier.handlers import notify_batch
from services.notifier.handlers.notify import UNCHARTED
from services.notifier.ports import County, ReadSide, Unstorable, Warnings
from services.notifier.settings import Settings
from shared.events.codec import decode
from shared.events.envelope import Event
from shared.events.mode import ModeChanged
from shared.events.topics import CASE, MODE, ORDER, SLA, WARNING
from shared.events.warning import WarningEvent
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
from shared.vocabulary import Malformed, Purpose

GROUP: Final = "whistle-notifier"
TOPICS: Final = (CASE, *ORDER.values(), SLA, MODE, WARNING)
TOLD: Final = tuple(kind for topic in TOPICS for kind in topic.types if topic not in (MODE, WARNING))


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """What telling needs; ``told`` is called with what was new, after its commit.

    A canary is measured (``seen``) and told to nobody: it is not in the read side, the feed, or any webhook.
    """

    read_side: ReadSide
    clock: Callable[[], datetime]
    told: Callable[[Sequence[Telling]], None] = lambda _tellings: None
    county: County = UNCHARTED
    seen: Callable[[Sighting], None] = lambda _sighting: None
    warnings: Warnings | None = None

    async def handle(self, records: Sequence[Record]) -> Outcome:
        """Tell a batch in one transaction; what nobody can read or store is rejected with its reason."""
        others, modes = await self._modes(records)
        cases, warnings = await self._warnings(others)
        return Outcome(rejected=[*modes, *warnings, *await self._cases(cases)])

    async def _modes(self, records: Sequence[Record]) -> tuple[list[Record], list[Rejected]]:
        """Keep the changes of mode among ``records``, and return the rest; and the changes that cannot be kept."""

        async def keep(record: Record) -> None:
            await self.read_side.keep_modes([mode_of(record)])

        return await _kept(records, MODE.name, keep)

    async def _warnings(self, records: Sequence[Record]) -> tuple[list[Record], list[Rejected]]:
        """Keep the early warnings among ``records``, and return the rest; and those that cannot be kept."""
        warnings = self.warnings
        if warnings is None:
            return list(records), []

        async def keep(record: Record) -> None:
            await warnings.keep([warning_of(record)])

        return await _kept(records, WARNING.name, keep)

    async def _cases(self, records: Sequence[Record]) -> list[Rejected]:
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
        return rejected

    async def _tell(self, events: Sequence[Event[Told]]) -> None:
        people = [event for event in events if event.data.case.purpose is not Purpose.CANARY]
        self.told(await notify_batch(people, read_side=self.read_side, now=self.clock(), county=self.county))
        for event in events:
            if event.data.case.purpose is Purpose.CANARY:
                sighting = sighted(event, now=self.clock())
                if sighting is not None:
                    self.seen(sighting)

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


def mode_of(record: Record) -> ModeChanged:
    """Read one record of the topic of modes.

    Raises:
        Malformed: when it is no change of mode.
    """
    data = decode(record.value, record.headers).data
    if not isinstance(data, ModeChanged):
        raise Malformed(f"{data.TYPE} does not belong on {record.topic}")
    return data


def warning_of(record: Record) -> Event[WarningEvent]:
    """Read one record of the topic of early warnings.

    Raises:
        Malformed: when it is no warning.
    """
    event = decode(record.value, record.headers)
    if not isinstance(event.data, WARNING.types):
        raise Malformed(f"{event.type} does not belong on {record.topic}")
    return cast("Event[WarningEvent]", event)


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


async def _kept(
    records: Sequence[Record], topic: str, keep: Callable[[Record], Awaitable[None]]
) -> tuple[list[Record], list[Rejected]]:
    """Keep the records of ``topic`` one by one; return those of other topics, and those that cannot be kept."""
    rest, rejected = list[Record](), list[Rejected]()
    for record in records:
        if record.topic != topic:
            rest.append(record)
            continue
        try:
            await keep(record)
        except Malformed as malformed:
            rejected.append(Rejected(record=record, reason=malformed.reason))
        except Unstorable as unstorable:
            rejected.append(Rejected(record=record, reason=f"cannot be stored: {unstorable}"))
    return rest, rejected
