"""Past cases as they were opened: from Kafka since an instant, or from a file, a batch at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from cli.trouble import Trouble
from shared.events.case import CaseFiled, CaseOpened
from shared.events.parts import CaseView
from shared.events.topics import CASE
from shared.runtime.kafka_tls import client_security
from shared.vocabulary import CaseState

BATCH: Final = 2000
CONNECT: Final = timedelta(seconds=15)
SILENCE: Final = timedelta(seconds=30)
"""Longest wait for records that must be there."""
OPENINGS: Final = frozenset({CaseOpened.TYPE, CaseFiled.TYPE})
"""What the router routes as a case just opened; one that is opened as received is so when it is filed."""
_HEADERS: Final = frozenset(one.encode() for one in OPENINGS)
LINE_BYTES: Final = 1 << 20


class Opening(msgspec.Struct, frozen=True):
    """What routing needs of an opened case; the rest of the event is skipped unread."""

    case: CaseView
    text: str


class _Told(msgspec.Struct, frozen=True):
    """A line of ``whistle tail --json``: the event's data stands inside."""

    data: Opening
    type: str = CaseOpened.TYPE


@dataclass(slots=True, kw_only=True)
class Read:
    """How many records were looked at, and those that nobody can read."""

    records: int = 0
    unreadable: int = 0
    first_reason: str = ""

    def lost(self, where: str, error: Exception) -> None:
        """Count one record that cannot be read."""
        self.unreadable += 1
        self.first_reason = self.first_reason or f"{where}: {error}"


_opening: Final = msgspec.json.Decoder(Opening)
opening_of: Final = _opening.decode
"""Reads the value of one ``case.opened`` event."""
_told: Final = msgspec.json.Decoder(_Told)


def from_file(path: Path, read: Read) -> Iterator[Sequence[Opening]]:
    """Yield batches of the cases in an NDJSON file: the data of ``case.opened`` events, or lines of ``whistle tail``.

    Lines of ``whistle tail`` about anything else than an opening are passed over.

    Raises:
        Trouble: the file cannot be read.
    """
    batch: list[Opening] = []
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(iter(lambda: lines.readline(LINE_BYTES), b""), start=1):
                if not line.strip():
                    continue
                read.records += 1
                try:
                    opening = _line(line)
                except msgspec.DecodeError as error:
                    read.lost(f"line {number}", error)
                    continue
                if opening is not None:
                    batch.append(opening)
                if len(batch) >= BATCH:
                    yield batch
                    batch = []
    except OSError as error:
        raise Trouble(f"{path} cannot be read", why=str(error), mend="check the path") from error
    yield batch


def _line(line: bytes) -> Opening | None:
    """The opening in a line; None for one that the router did not route as it was opened."""
    try:
        return _routed(_opening.decode(line))
    except msgspec.ValidationError:
        try:
            told = _told.decode(line)
            return _routed(told.data) if told.type in OPENINGS else None
        except msgspec.ValidationError:
            # What the line is most likely meant to be says best what is wrong with it.
            return _opening.decode(line)


def _routed(opening: Opening) -> Opening | None:
    return None if opening.case.state is CaseState.RECEIVED else opening


def line_of(opening: Opening) -> bytes:
    """Return ``opening`` as a line that ``from_file`` reads."""
    return msgspec.json.encode(opening) + b"\n"


async def from_kafka(bootstrap: str, *, county: str, since: datetime, read: Read) -> AsyncIterator[Sequence[Opening]]:
    """Yield batches of the cases of ``county`` opened from ``since`` until now, in the order of each partition.

    Raises:
        Trouble: Kafka does not answer, or stops answering.
    """
    async for records in records_of_cases(bootstrap, since=since):
        yield list(_openings(records, county=county, read=read))


async def records_of_cases(bootstrap: str, *, since: datetime) -> AsyncIterator[Sequence[Any]]:
    """Yield batches of the records of the case topic from ``since`` until now, in the order of each partition.

    Raises:
        Trouble: Kafka does not answer, or stops answering.
    """
    consumer = AIOKafkaConsumer(
        **client_security(),
        bootstrap_servers=bootstrap,
        client_id="whistle-cli",
        enable_auto_commit=False,
        fetch_max_bytes=16 * 1024 * 1024,
        max_partition_fetch_bytes=2 * 1024 * 1024,
    )
    try:
        await _within(CONNECT, consumer.start())
        left = await _assigned(consumer, since)
        heard = asyncio.get_running_loop().time()
        while left:
            for place, records in (await consumer.getmany(timeout_ms=1000, max_records=BATCH)).items():
                heard = asyncio.get_running_loop().time()
                if place in left:
                    yield [record for record in records if record.offset < left[place]]
            # By position and not by record: a partition may end in marks of transactions, which nobody is given.
            for place in [place for place, end in left.items() if await consumer.position(place) >= end]:
                del left[place]
                consumer.pause(place)
            if asyncio.get_running_loop().time() - heard > SILENCE.total_seconds():
                raise _silent(bootstrap, f"nothing came for {SILENCE.total_seconds():.0f} s")
    except (KafkaError, OSError, TimeoutError) as error:
        raise _silent(bootstrap, str(error) or type(error).__name__) from error
    finally:
        await consumer.stop()


async def _assigned(consumer: AIOKafkaConsumer, since: datetime) -> dict[TopicPartition, int]:
    """Seek to ``since`` and return the ends of the partitions that have anything from there."""
    places = [TopicPartition(CASE.name, number) for number in range(CASE.partitions)]
    consumer.assign(places)
    ends = await consumer.end_offsets(places)
    moment = int(since.timestamp() * 1000)
    starts = await consumer.offsets_for_times(dict.fromkeys(places, moment))
    left: dict[TopicPartition, int] = {}
    for place in places:
        start = starts.get(place)
        if start is None or start.offset >= ends[place]:
            consumer.pause(place)
        else:
            consumer.seek(place, start.offset)
            left[place] = ends[place]
    return left


def _openings(records: Iterable[Any], *, county: str, read: Read) -> Iterator[Opening]:
    for record in records:
        if not _is_opening(record.headers):
            continue
        read.records += 1
        try:
            opening = _opening.decode(record.value or b"")
        except msgspec.DecodeError as error:
            read.lost(f"{record.topic}/{record.partition}@{record.offset}", error)
            continue
        if opening.case.county == county and _routed(opening) is not None:
            yield opening


def _is_opening(headers: Iterable[tuple[str, bytes]]) -> bool:
    return any(name == "ce_type" and value in _HEADERS for name, value in headers)


async def _within(limit: timedelta, started: Any) -> None:  # noqa: ANN401  an awaitable of a library without types

    async with asyncio.timeout(limit.total_seconds()):
        await started


def _silent(bootstrap: str, why: str) -> Trouble:
    return Trouble(
        f"Kafka at {bootstrap} does not answer",
        why=why,
        mend="check the address and that the broker runs: `whistle doctor`; or replay a file: --file history.ndjson",
    )
