"""Events leave PostgreSQL in the order in which their transactions wrote them, at least once each.

A service enqueues inside its own transaction; a relay sends afterwards. Rows fall into shards by
key; a relay locks whole shards, so several relays share the work and never disorder a key. There
is no sequence cursor: positions are drawn before commit, and a cursor would skip late commits.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from shared.events.codec import Message
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Record, Rejected, TooLarge, dead_letter
from shared.runtime.waking import woken

if TYPE_CHECKING:
    import asyncpg

    from shared.runtime.postgres import Connection, Pool

SHARDS: Final = 16

_INSERT: Final = """
    INSERT INTO outbox (shard, event_id, topic, key, headers, value)
    SELECT shard, event_id, topic, key, headers::json, value
    FROM unnest($1::smallint[], $2::uuid[], $3::text[], $4::bytea[], $5::text[], $6::bytea[])
        WITH ORDINALITY AS new (shard, event_id, topic, key, headers, value, place)
    ORDER BY place
    ON CONFLICT (event_id) DO NOTHING
"""
# What is sent is soon away, and plans were made when there was something or nothing: whatever the statistics say, only
# a walk over the index does not look at all that waits, and takes out what it finds dead.
BY_INDEX: Final = "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off"
# One glance a shard. As EXISTS it became a walk over the whole table: a backlog held up who was to work it off.
CLAIM: Final = """
    SELECT s.shard FROM outbox_shard s
    WHERE (SELECT true FROM outbox o WHERE o.shard = s.shard ORDER BY o.position LIMIT 1)
    ORDER BY random() LIMIT $1
    FOR UPDATE OF s SKIP LOCKED
"""
OLDEST: Final = """
    SELECT r.shard, r.position, r.topic, r.key, r.headers::text AS headers, r.value
    FROM unnest($1::smallint[]) AS claimed (shard)
    CROSS JOIN LATERAL (
        SELECT * FROM outbox o WHERE o.shard = claimed.shard ORDER BY o.position LIMIT $2) AS r
"""
DELETE: Final = """
    DELETE FROM outbox USING unnest($1::smallint[], $2::bigint[]) AS sent (shard, position)
    WHERE outbox.shard = sent.shard AND outbox.position = sent.position
"""
_BACKLOG: Final = """
    SELECT (SELECT count(*) FROM (SELECT 1 FROM outbox LIMIT $1) AS few) AS rows,
        extract(epoch FROM clock_timestamp() - (
            SELECT min((SELECT o.created_at FROM outbox o WHERE o.shard = s.shard ORDER BY o.position LIMIT 1))
            FROM outbox_shard s))::float AS oldest
"""

log = logging.getLogger(__name__)


class Sender(Protocol):
    """Who takes the messages; ``Publisher`` is one."""

    async def publish(self, messages: Sequence[Message]) -> None:
        """Return when every message is acknowledged; raise otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelaySettings:
    """The bounds of one relay; ``service`` signs dead letters."""

    service: str
    shards: int = 8
    """Shards claimed at a time: less than all, so that a relay beside this one finds work."""
    rows: int = 250
    """Rows taken of each claimed shard."""
    poll: timedelta = timedelta(milliseconds=100)
    acquire: timedelta = timedelta(seconds=10)
    send: timedelta = timedelta(seconds=20)
    """How long a claim may wait for Kafka; its transaction holds vacuum back meanwhile."""
    longest_backoff: timedelta = timedelta(seconds=5)
    measure_every: timedelta = timedelta(seconds=5)
    most_counted: int = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """Rows not yet sent, counted up to a limit, and the age of the oldest in seconds."""

    rows: int
    oldest_seconds: float


@dataclass(slots=True, kw_only=True)
class RelayFigures:
    """What a relay has done since it started; a service exposes it as its own metrics."""

    sent: int = 0
    set_aside: int = 0
    failures: int = 0
    failing: str | None = None
    backlog: Backlog = field(default_factory=lambda: Backlog(rows=0, oldest_seconds=0.0))
    last_progress: float = field(default_factory=time.monotonic)


async def enqueue(connection: Connection, messages: Sequence[Message]) -> None:
    """Write the messages to the outbox inside the caller's transaction; they leave after its commit.

    Messages with one key leave in the order of their transactions if those are serialised, as a
    case's are by the lock on its row. An event id that still waits is not written twice.

    Raises: ValueError when a message carries no ``ce_id``.
    """
    if not messages:
        return
    columns = zip(*(_row(message) for message in messages), strict=True)
    await connection.execute(_INSERT, *(list(column) for column in columns))


def _row(message: Message) -> tuple[int, str, str, bytes, str, bytes]:
    event_id = next((value for name, value in message.headers if name == "ce_id"), None)
    if event_id is None:
        raise ValueError(f"a message for {message.topic} has no ce_id")
    headers = msgspec.json.encode([(name, value.decode()) for name, value in message.headers]).decode()
    return shard_of(message.key), event_id.decode(), message.topic, message.key, headers, message.value


def shard_of(key: bytes) -> int:
    """Return the shard of a key; the same in every process and release, for rows outlive both."""
    return zlib.crc32(key) % SHARDS


class OutboxRelay:
    """Sends what lies in a schema's outbox; run as many side by side as you like.

    A row is deleted only after Kafka has acknowledged it. A crash in between sends it again with
    the same event id.
    """

    def __init__(self, pool: Pool, sender: Sender, *, settings: RelaySettings) -> None:
        self._pool = pool
        self._sender = sender
        self._settings = settings
        self._woken = asyncio.Event()
        self._stopping = False
        self._ended = asyncio.Event()
        self._ended.set()
        self.figures = RelayFigures()

    def wake(self) -> None:
        """Look now and not at the next poll; call it after the transaction that enqueued has committed."""
        self._woken.set()

    async def run(self) -> None:
        """Send until ``stop``; an outage of PostgreSQL or Kafka is sat out with growing pauses."""
        self._ended.clear()
        measuring = asyncio.create_task(self._measure())
        attempt = 0
        try:
            while not self._stopping:
                try:
                    sent = await self._round()
                except Exception as error:  # noqa: BLE001  an outage, whatever it is: the rows stay and are sent later
                    self._note(error)
                    await self._wait(self._backoff(attempt))
                    attempt += 1
                    continue
                attempt, self.figures.failing, self.figures.last_progress = 0, None, time.monotonic()
                if sent == 0:
                    await self._wait(self._settings.poll.total_seconds())
        finally:
            measuring.cancel()
            self._ended.set()

    async def stop(self) -> None:
        """Finish the rows in hand and end; bounded by the limits on Kafka and PostgreSQL."""
        self._stopping = True
        self._woken.set()
        await self._ended.wait()

    async def backlog(self) -> Backlog:
        """Ask PostgreSQL how much waits, counted up to ``most_counted``."""
        async with self._pool.acquire(timeout=self._settings.acquire.total_seconds()) as connection:
            row = await connection.fetchrow(_BACKLOG, self._settings.most_counted)
        return (
            Backlog(rows=row["rows"], oldest_seconds=row["oldest"] or 0.0) if row else Backlog(rows=0, oldest_seconds=0)
        )

    async def _round(self) -> int:
        """Send the oldest rows of a few shards that nobody else holds; return how many."""
        async with (
            self._pool.acquire(timeout=self._settings.acquire.total_seconds()) as connection,
            connection.transaction(),
        ):
            await connection.execute(BY_INDEX)
            claimed = [row["shard"] for row in await connection.fetch(CLAIM, self._settings.shards)]
            if not claimed:
                return 0
            # A second statement, hence a second snapshot: it sees what the last holder has deleted.
            rows = await connection.fetch(OLDEST, claimed, self._settings.rows)
            async with asyncio.timeout(self._settings.send.total_seconds()):
                await self._send(rows)
            await connection.execute(DELETE, [row["shard"] for row in rows], [row["position"] for row in rows])
        self.figures.sent += len(rows)
        return len(rows)

    async def _send(self, rows: Sequence[asyncpg.Record]) -> None:
        messages = [_message(row) for row in rows]
        try:
            await self._sender.publish(messages)
        except TooLarge:
            for row, message in zip(rows, messages, strict=True):
                await self._send_alone(row, message)

    async def _send_alone(self, row: asyncpg.Record, message: Message) -> None:
        try:
            await self._sender.publish([message])
        except TooLarge as error:
            # Left in place it would hold its shard for ever, and deleted it would be lost unseen.
            record = Record(message.topic, -1, row["position"], message.key, message.value, message.headers, 0)
            rejected = Rejected(record=record, reason=f"too large for its topic: {error}")
            log.warning("outbox position %s is too large for %s and set aside", row["position"], message.topic)
            await self._sender.publish([dead_letter(rejected, service=self._settings.service, now=utc_now())])
            self.figures.set_aside += 1

    def _note(self, error: Exception) -> None:
        trace = error if self.figures.failing is None else None
        self.figures.failures += 1
        self.figures.failing = f"{type(error).__name__}: {error}"
        log.warning("the outbox waits after %s: %s", type(error).__name__, error, exc_info=trace)

    def _backoff(self, attempt: int) -> float:
        longest = self._settings.longest_backoff.total_seconds()
        seconds = min(longest, 0.1 * 2.0 ** min(attempt, 10))
        return seconds * random.uniform(0.5, 1)  # noqa: S311  jitter, no secret

    async def _wait(self, seconds: float) -> None:
        if await woken(self._woken, within=seconds) and not self._stopping:
            self._woken.clear()

    async def _measure(self) -> None:
        while True:
            try:
                self.figures.backlog = await self.backlog()
            except Exception as error:  # noqa: BLE001  the relay itself reports the outage
                log.debug("the backlog is unknown: %s", error)
            await asyncio.sleep(self._settings.measure_every.total_seconds())


def _message(row: asyncpg.Record) -> Message:
    headers = tuple((name, text.encode()) for name, text in _HEADERS.decode(row["headers"]))
    return Message(topic=row["topic"], key=row["key"], value=row["value"], headers=headers)


_HEADERS: Final = msgspec.json.Decoder(list[tuple[str, str]])
