"""``python -m tests.bench.soak --minutes 30``: intake at half load, killed again and again, and Kafka goes away.

On servers of its own: two replicas of intake, Kafka, PostgreSQL. Single reports and batches come at an even pace; a
replica is killed every few minutes, Kafka is away for a while. Whoever gets no answer sends the same again under the
same key. At the end three sets are compared: the ids that were accepted, those that lie in Kafka, those in PostgreSQL.
The exit status is 0 when they are the same, 1 when not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Final
from uuid import UUID

import asyncpg
import httpx
import msgspec
import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.keys import DEMO_COUNTY
from deploy.local.platform import Platform
from shared.events.topics import CASE
from tests.bench.ground import ground, quantile, until
from tests.bench.intake import report
from tests.bench.table import Row, table

REPLICAS: Final = ("intake-1", "intake-2")
SENDERS: Final = 48
BATCH_LINES: Final = 100
BATCH_SHARE: Final = 0.2
"""Of all reports, those that come in batches."""
ALIKE_EVERY: Final = 20
"""Every so many reports one says the same words of the same place as the one before it."""
CALIBRATION_SECONDS: Final = 8.0
PATIENCE_SECONDS: Final = 300.0
PAUSE_SECONDS: Final = 0.5
READ_SECONDS: Final = 1800.0


@dataclass(slots=True, kw_only=True)
class Account:
    """What was promised: by the key of each report the ids that its answers named."""

    reports: dict[int, tuple[UUID, UUID]] = field(default_factory=dict)
    """Number → report and case."""
    unlike: int = 0
    """Answers that named other ids than the answer before to the same key."""
    tries: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def take(self, number: int, answer: Mapping[str, Any]) -> None:
        """Note the answer to a report."""
        ids = UUID(answer["report_id"]), UUID(answer["case_id"])
        self.unlike += self.reports.setdefault(number, ids) != ids


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is there in the end."""

    reports: set[UUID]
    cases: set[UUID]
    events: set[UUID]
    records: int


class Load:
    """Reports at an even pace, each sent until it has its answer."""

    def __init__(self, system: Platform, account: Account) -> None:
        self._account = account
        token = system.keys.token(f"{DEMO_COUNTY}-operator")
        limits = httpx.Limits(max_connections=SENDERS * 2)
        self._doors = [
            httpx.AsyncClient(
                base_url=system.url(name), headers={"Authorization": f"Bearer {token}"}, timeout=20, limits=limits
            )
            for name in REPLICAS
        ]
        self._numbers = count()
        self._ending = asyncio.Event()
        self._began = time.monotonic()
        self._rate: float | None = None

    async def run(self, seconds: float, *, rate: float | None) -> int:
        """Send for so long, ``rate`` reports a second (None: as fast as it goes); how many were sent."""
        before = len(self._account.reports)
        self._ending.clear()
        self._began, self._rate, self._numbers_begun = time.monotonic(), rate, 0
        senders = [asyncio.create_task(self._send()) for _ in range(SENDERS)]
        await asyncio.sleep(seconds)
        self._ending.set()
        await asyncio.gather(*senders)
        return len(self._account.reports) - before

    async def close(self) -> None:
        """Close the connections."""
        for door in self._doors:
            await door.aclose()

    async def _send(self) -> None:
        while not self._ending.is_set():
            number = next(self._numbers)
            # One of so many goes out as a batch, which stands for as many reports as the singles between.
            alone = number % round(BATCH_LINES * (1 - BATCH_SHARE) / BATCH_SHARE + 1) != 0
            numbers = [number] if alone else [next(self._numbers) for _ in range(BATCH_LINES)]
            await self._due(len(numbers))
            began = time.monotonic()
            await self._until_answered(numbers)
            self._account.seconds.append(time.monotonic() - began)

    async def _due(self, share: int) -> None:
        self._numbers_begun += share
        if self._rate is not None:
            await asyncio.sleep(max(0.0, self._began + self._numbers_begun / self._rate - time.monotonic()))

    async def _until_answered(self, numbers: Sequence[int]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            for attempt in count():
                left = [number for number in numbers if number not in self._account.reports]
                if not left:
                    return
                if attempt:
                    await asyncio.sleep(PAUSE_SECONDS)
                door = self._doors[(numbers[0] + attempt) % len(self._doors)]
                try:
                    await (self._single(door, left[0]) if len(numbers) == 1 else self._batch(door, left))
                except httpx.HTTPError as error:
                    self._account.tries[type(error).__name__] += 1

    async def _single(self, door: httpx.AsyncClient, number: int) -> None:
        answer = await door.post("/v1/reports", json=_report(number), headers={"Idempotency-Key": _key(number)})
        why = answer.json().get("detail", "")[:40] if answer.is_error else ""
        self._account.tries[f"single {answer.status_code} {why}".strip()] += 1
        if answer.status_code == httpx.codes.CREATED:
            self._account.take(number, answer.json())
        elif not answer.is_server_error and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            raise AssertionError(answer.text)

    async def _batch(self, door: httpx.AsyncClient, numbers: Sequence[int]) -> None:
        content = "\n".join(json.dumps({**_report(number), "key": _key(number)}) for number in numbers)
        headers = {"Content-Type": "application/x-ndjson"}
        async with door.stream("POST", "/v1/reports/batch", content=content, headers=headers) as answers:
            self._account.tries[f"batch {answers.status_code}"] += 1
            async for text in answers.aiter_lines():
                answer = json.loads(text)
                if "report" in answer:
                    self._account.take(numbers[answer["line"] - 1], answer["report"])


def _report(number: int) -> dict[str, Any]:
    return report(number - (number % ALIKE_EVERY == 1))


def _key(number: int) -> str:
    return f"soak-{number}"


async def trouble(system: Platform, seconds: float) -> list[str]:
    """Kill replicas in turn and take Kafka away once; what was done."""
    done: list[str] = []
    every = min(180.0, max(15.0, seconds / 8))
    began = time.monotonic()
    kafka_at, away = began + seconds * 0.45, min(120.0, max(10.0, seconds / 10))
    for number in range(int(seconds / every - 0.5)):
        await asyncio.sleep(max(0.0, began + (number + 1) * every - time.monotonic()))
        name = REPLICAS[number % len(REPLICAS)]
        await asyncio.to_thread(system.kill, name)
        done.append(f"SIGKILL {name}")
        if time.monotonic() > kafka_at:
            kafka_at = float("inf")
            await asyncio.to_thread(system.stop_kafka)
            await asyncio.sleep(away)
            await asyncio.to_thread(system.start_kafka)
            done.append(f"Kafka away for {away:.0f} s")
    return done


class _Case(msgspec.Struct):
    case_id: UUID


class _Told(msgspec.Struct):
    case: _Case
    report_id: UUID | None = None


async def in_kafka(bootstrap: str) -> Found:
    """What a consumer reads of the topic of cases, from its beginning to its end."""
    reports, cases, events, records = set[UUID](), set[UUID](), set[UUID](), 0
    narrow = msgspec.json.Decoder(_Told)
    places = [TopicPartition(CASE.name, number) for number in range(CASE.partitions)]
    async with (
        asyncio.timeout(READ_SECONDS),
        AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer,
    ):
        consumer.assign(places)
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for found in (await consumer.getmany(timeout_ms=300, max_records=5000)).values():
                for record in found:
                    told = narrow.decode(record.value)
                    cases.add(told.case.case_id)
                    events.add(UUID(dict(record.headers)["ce_id"].decode()))
                    if told.report_id is not None:
                        reports.add(told.report_id)
                    records += 1
    return Found(reports=reports, cases=cases, events=events, records=records)


async def in_postgres(dsn: str) -> Found:
    """What the tables hold."""
    connection = await asyncpg.connect(dsn, timeout=10, server_settings={"search_path": "intake"})
    try:
        reports, cases, events = [
            {row[0] for row in await connection.fetch(query, timeout=READ_SECONDS)}
            for query in (
                "SELECT report_id FROM report",
                "SELECT case_id FROM case_snapshot",
                "SELECT event_id FROM case_event",
            )
        ]
    finally:
        await connection.close(timeout=5)
    return Found(reports=reports, cases=cases, events=events, records=len(events))


def drained(dsn: str) -> Callable[[], Awaitable[bool]]:
    """Whether nothing waits for Kafka any more."""

    async def empty() -> bool:
        connection = await asyncpg.connect(dsn, timeout=10, server_settings={"search_path": "intake"})
        try:
            return not await connection.fetchval("SELECT EXISTS (SELECT 1 FROM outbox)")
        finally:
            await connection.close(timeout=5)

    return empty


async def soak(minutes: float, rate: float | None) -> int:
    """Run the whole and print its table; the exit status."""
    account = Account()
    async with ground(*REPLICAS) as system:
        load = Load(system, account)
        try:
            if rate is None:
                rate = await load.run(CALIBRATION_SECONDS, rate=None) / CALIBRATION_SECONDS / 2
            print(f"{minutes:g} minutes at {rate:.0f} reports/s, half of what this machine took", flush=True)
            account.seconds.clear()
            troubled = asyncio.create_task(trouble(system, minutes * 60))
            await load.run(minutes * 60, rate=rate)
            done = await troubled
        finally:
            await load.close()
        await until(drained(system.dsn), seconds=PATIENCE_SECONDS)
        kafka, postgres = await in_kafka(system.bootstrap), await in_postgres(system.dsn)
    print("; ".join(done) or "nothing was killed")
    print("answers and failures:", ", ".join(f"{name}: {number}" for name, number in sorted(account.tries.items())))
    wrong = differences(account, kafka, postgres)
    print(table("soak", rows(account, kafka, postgres, wrong, minutes)))
    return 1 if any(wrong.values()) or not account.reports else 0


def differences(account: Account, kafka: Found, postgres: Found) -> dict[str, int]:
    """How many ids stand in one set and not in another; all must be nothing."""
    reports = {report_id for report_id, _ in account.reports.values()}
    cases = {case_id for _, case_id in account.reports.values()}
    return {
        "answers to one key that differ": account.unlike,
        "keys whose reports are one": len(account.reports) - len(reports),
        "reports accepted, not in PostgreSQL": len(reports - postgres.reports),
        "reports in PostgreSQL that nobody was promised": len(postgres.reports - reports),
        "reports accepted, not in Kafka": len(reports - kafka.reports),
        "reports in Kafka that nobody was promised": len(kafka.reports - reports),
        "cases promised, not in PostgreSQL": len(cases - postgres.cases),
        "cases in PostgreSQL that nobody was promised": len(postgres.cases - cases),
        "cases in Kafka and not in PostgreSQL, or the other way": len(kafka.cases ^ postgres.cases),
        "events in Kafka and not in PostgreSQL, or the other way": len(kafka.events ^ postgres.events),
    }


def rows(account: Account, kafka: Found, postgres: Found, wrong: Mapping[str, int], minutes: float) -> list[Row]:
    """The table."""
    return [
        Row(what="minutes", figure=minutes, unit="min"),
        Row(what="reports accepted", figure=len(account.reports), unit="reports"),
        Row(what="cases in PostgreSQL", figure=len(postgres.cases), unit="cases"),
        Row(what="events in PostgreSQL", figure=len(postgres.events), unit="events"),
        Row(what="records in Kafka", figure=kafka.records, unit="records"),
        Row(what="of them repeats, dropped by their ids", figure=kafka.records - len(kafka.events), unit="records"),
        Row(what="half answered within", figure=quantile(account.seconds, 0.5) * 1000, unit="ms"),
        Row(what="99 % answered within, kills and all", figure=quantile(account.seconds, 0.99) * 1000, unit="ms"),
        *(Row(what=name, figure=number, unit="") for name, number in wrong.items()),
    ]


def main(arguments: Sequence[str]) -> int:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, help="reports a second; default: half of what a first look shows")
    given = parser.parse_args(arguments)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(soak(given.minutes, given.rate))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
