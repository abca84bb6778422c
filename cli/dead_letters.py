"""Dead letters as Kafka holds them: read within bounds, and sent again; apart from the commands that show them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Any, Final, assert_never

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from cli.in_force import no_kafka
from cli.trouble import Trouble
from shared.events.topics import DEAD_LETTER, TOPICS
from shared.runtime.clock import utc_now
from shared.runtime.delivery import (
    Origin,
    Publisher,
    PublishFailed,
    Record,
    TooLarge,
    again,
    mark,
    marked,
    origin,
    place_of,
)
from shared.runtime.kafka_client import TopicMissing, client_options, topics_known

CONNECT: Final = timedelta(seconds=15)
READ: Final = timedelta(seconds=60)
SCAN: Final = 20_000
"""Records of the topic that one command looks at, at most: the newest ones."""
AT_ONCE: Final = 100
"""Letters that are sent again together, before their marks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One dead letter; ``replayed`` says that it was sent again before."""

    record: Record
    origin: Origin
    replayed: bool

    @property
    def place(self) -> str:
        """``partition@offset`` on the topic of dead letters: what commands call it by."""
        return place_of(self.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which letters are meant: those at ``places``, or all that fit what the others ask; None asks nothing."""

    places: Collection[str] = ()
    service: str | None = None
    topic: str | None = None
    reason: str | None = None
    since: datetime | None = None

    def fits(self, letter: Letter) -> bool:
        """Whether it is one of them."""
        told = letter.origin
        return (
            (not self.places or letter.place in self.places)
            and self.service in (None, told.service)
            and self.topic in (None, told.topic)
            and (self.reason is None or self.reason.casefold() in told.reason.casefold())
            and (self.since is None or told.at >= self.since)
        )


@unique
class Pick(Enum):
    """Which of the letters that fit are kept when there are too many."""

    NEWEST = "newest"
    """To look at."""
    OLDEST = "oldest"
    """To send once more, whatever was sent before."""
    OLDEST_UNSENT = "oldest unsent"
    """To send: so that one run after another comes to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The letters that were wanted, oldest first; ``fitting`` counts those left off too."""

    letters: Sequence[Letter]
    fitting: int
    replayed: int
    """How many of the fitting were sent again before."""
    unread: int
    """Records of the topic that were not looked at because of the bound."""


NONE: Final = Found(letters=(), fitting=0, replayed=0, unread=0)


async def find(bootstrap: str, wanted: Wanted, *, most: int, scan: int = SCAN, pick: Pick = Pick.NEWEST) -> Found:
    """Look through the newest ``scan`` records of the topic and keep ``most`` of the letters that are wanted.

    Which were sent again is known only at the end of the topic, and the bytes of all would be too much to
    hold: so the first walk notes places, and a second one takes the letters that were picked.

    Raises:
        Trouble: Kafka does not answer, or has no such topic.
    """
    async with _reader(bootstrap) as consumer:
        places = [TopicPartition(DEAD_LETTER.name, n) for n in consumer.partitions_for_topic(DEAD_LETTER.name) or ()]
        consumer.assign(places)
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        first = await _first(consumer, begins, ends, wanted.since)
        each = max(1, scan // max(1, len(places)))
        starts = {place: max(first[place], ends[place] - each) for place in places}
        fitting: dict[str, datetime] = {}
        gone: set[str] = set()
        async for record in _between(consumer, starts, ends):
            if (place := marked(record)) is not None:
                gone.add(place)
            elif (letter := _letter(record)) is not None and wanted.fits(letter):
                fitting[letter.place] = letter.origin.at
        picked = _picked(fitting, gone, pick=pick, most=most)
        kept = [
            letter
            async for record in _between(consumer, *_spans(picked))
            if place_of(record) in picked and (letter := _letter(record, replayed=place_of(record) in gone))
        ]
    return Found(
        letters=sorted(kept, key=lambda one: (one.origin.at, one.record.partition, one.record.offset)),
        fitting=len(fitting),
        replayed=len(fitting.keys() & gone),
        unread=sum(starts[place] - first[place] for place in places),
    )


def _picked(fitting: Mapping[str, datetime], gone: Collection[str], *, pick: Pick, most: int) -> frozenset[str]:
    by_age = sorted(fitting, key=lambda place: (fitting[place], parsed(place)))
    match pick:
        case Pick.NEWEST:
            return frozenset(by_age[-most:])
        case Pick.OLDEST:
            return frozenset(by_age[:most])
        case Pick.OLDEST_UNSENT:
            return frozenset([place for place in by_age if place not in gone][:most])
        case _:
            assert_never(pick)


def _spans(picked: Collection[str]) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """From which offset of each partition, and up to which, the picked letters lie."""
    offsets: defaultdict[TopicPartition, list[int]] = defaultdict(list)
    for number, offset in map(parsed, picked):
        offsets[TopicPartition(DEAD_LETTER.name, number)].append(offset)
    return {at: min(told) for at, told in offsets.items()}, {at: max(told) + 1 for at, told in offsets.items()}


async def one(bootstrap: str, place: str) -> Letter:
    """Return the letter at ``partition@offset``, with what lies behind it looked through for its mark.

    Raises:
        Trouble: there is none, or Kafka does not answer.
    """
    number, offset = parsed(place)
    async with _reader(bootstrap) as consumer:
        at = TopicPartition(DEAD_LETTER.name, number)
        if number not in (consumer.partitions_for_topic(DEAD_LETTER.name) or ()):
            raise no_letter(place, f"{DEAD_LETTER.name} has no partition {number}")
        consumer.assign([at])
        begins, ends = await consumer.beginning_offsets([at]), await consumer.end_offsets([at])
        if not begins[at] <= offset < ends[at]:
            raise no_letter(place, f"partition {number} holds offsets {begins[at]} to {ends[at] - 1}")
        found: Record | None = None
        gone = False
        stop = {at: min(ends[at], offset + SCAN)}
        async for record in _between(consumer, {at: offset}, stop):
            found = record if record.offset == offset else found
            gone = gone or marked(record) == place
    letter = None if found is None else _letter(found, replayed=gone)
    if letter is None:
        raise no_letter(place, "the record there is no dead letter, or a mark that one was sent again")
    return letter


async def send_again(bootstrap: str, letters: Sequence[Letter]) -> int:
    """Send the originals to their topics, in their old order, and mark each letter; return how many are on their way.

    A mark follows its acknowledged original: a command that dies between sends the letter once more,
    which consumers drop by its id.

    Raises:
        Trouble: Kafka does not take them; says how many were sent before.
    """
    ordered = sorted(letters, key=lambda one: (one.origin.topic, one.origin.partition, one.origin.offset))
    publisher = Publisher(bootstrap, client_id="whistle-cli")
    done = 0
    try:
        for start in range(0, len(ordered), AT_ONCE):
            records = [letter.record for letter in ordered[start : start + AT_ONCE]]
            await publisher.publish([again(record) for record in records])
            await publisher.publish([mark(record, now=utc_now()) for record in records])
            done += len(records)
    except (PublishFailed, TooLarge) as error:
        raise Trouble(
            f"{done} of {len(ordered)} letters were sent again, then Kafka took no more",
            why=str(error),
            mend="run the same command again: those that were sent are known and skipped",
        ) from error
    finally:
        await publisher.stop()
    return done


def hopeless(letter: Letter) -> str | None:
    """Why a letter cannot be sent again; None when it can."""
    told = letter.origin
    if told.truncated:
        return f"its bytes were too large to keep: read {told.topic}/{told.partition} at offset {told.offset}"
    known = {topic.name for topic in TOPICS} - {DEAD_LETTER.name}
    if told.topic not in known:
        return f"{told.topic} is no topic of the catalogue"
    return None


def parsed(place: str) -> tuple[int, int]:
    """Read ``partition@offset``.

    Raises:
        Trouble: it reads otherwise.
    """
    number, at, offset = place.partition("@")
    if not (at and number.isdecimal() and offset.isdecimal()):
        raise no_letter(place, "a place reads PARTITION@OFFSET, such as 3@17")
    return int(number), int(offset)


def no_letter(place: str, why: str) -> Trouble:
    """No letter lies there."""
    return Trouble(f"There is no dead letter at {place}", why=why, mend="see `whistle dead-letter list` for the places")


def _letter(record: Record, *, replayed: bool = False) -> Letter | None:
    try:
        return Letter(record=record, origin=origin(record), replayed=replayed)
    except (KeyError, ValueError):
        # Somebody else's record, or a mark.
        return None


async def _first(
    consumer: AIOKafkaConsumer,
    begins: dict[TopicPartition, int],
    ends: dict[TopicPartition, int],
    since: datetime | None,
) -> dict[TopicPartition, int]:
    """Where in each partition the records begin that may be meant."""
    if since is None:
        return begins
    asked = await consumer.offsets_for_times(dict.fromkeys(ends, int(since.timestamp() * 1000)))
    return {place: ends[place] if told is None else told.offset for place, told in asked.items()}


async def _between(
    consumer: AIOKafkaConsumer, starts: dict[TopicPartition, int], ends: dict[TopicPartition, int]
) -> AsyncIterator[Record]:
    for place, start in starts.items():
        consumer.seek(place, start)
    waiting = {place for place, start in starts.items() if start < ends[place]}
    async with asyncio.timeout(READ.total_seconds()):
        while waiting:
            for place, records in (await consumer.getmany(*waiting, timeout_ms=500)).items():
                for r in records:
                    if r.offset < ends[place]:
                        yield Record(r.topic, r.partition, r.offset, r.key, r.value, tuple(r.headers), r.timestamp)
            waiting = {place for place in waiting if await consumer.position(place) < ends[place]}


@asynccontextmanager
async def _reader(bootstrap: str) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        **client_options(), bootstrap_servers=bootstrap, client_id="whistle-cli", enable_auto_commit=False
    )
    try:
        async with asyncio.timeout(CONNECT.total_seconds()):
            await consumer.start()
        await topics_known(consumer, [DEAD_LETTER.name], within=CONNECT)
        yield consumer
    except TopicMissing as error:
        raise Trouble(
            f"There is no topic {DEAD_LETTER.name}",
            why=str(error),
            mend="a local system makes it at its start; on Kubernetes apply the KafkaTopics of deploy/k8s",
        ) from error
    except (KafkaError, OSError, TimeoutError) as error:
        raise no_kafka(bootstrap, str(error) or type(error).__name__) from error
    finally:
        await consumer.stop()
