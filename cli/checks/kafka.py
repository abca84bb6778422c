"""Checks of Kafka: topics as in the catalogue, groups that keep up, dead letters, playbooks in force."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from cli.checks.calendars import check_calendars
from cli.checks.finding import Finding, broken, fine, look
from cli.dead_letters import NONE, Found, Wanted, find
from cli.in_force import read_in_force
from cli.trouble import Trouble
from shared.events.topics import DEAD_LETTER, TOPICS
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.clock import utc_now
from shared.runtime.kafka_tls import client_security

CONNECT: Final = timedelta(seconds=15)
LAG_WORTH_A_LOOK: Final = 1000
LATELY: Final = timedelta(hours=1)
"""Letters younger than this say that it is going on."""
LOOKED_AT: Final = 100
"""Dead letters among which the last one that was not sent again is looked for."""
GROUPS: Final = "whistle"
"""What the names of the services' consumer groups begin with."""

Ends = Mapping[TopicPartition, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """What was read of Kafka in one go."""

    partitions: Mapping[str, int]
    begins: Ends
    ends: Ends
    committed: Mapping[str, Ends]
    dead: Found


def check_kafka(bootstrap: str) -> list[Finding]:
    """Everything there is to say about Kafka and what lies in it."""
    return asyncio.run(_check(bootstrap))


async def _check(bootstrap: str) -> list[Finding]:
    try:
        async with asyncio.timeout(CONNECT.total_seconds() * 3):
            cluster = await _read(bootstrap)
    except Trouble as trouble:
        return [broken("kafka", trouble.what, why=trouble.why, mend=trouble.mend)]
    except (KafkaError, OSError, TimeoutError) as error:
        why = str(error) or type(error).__name__
        mend = "check the address and the broker's log; intake goes on accepting and catches up when Kafka is back"
        return [broken("kafka", f"does not answer at {bootstrap}", why=why, mend=mend)]
    return [
        fine("kafka", f"answers at {bootstrap}"),
        *check_topics(cluster.partitions),
        *check_groups(cluster),
        check_dead_letters(cluster.dead, now=utc_now()),
        *await _check_playbooks(bootstrap),
    ]


def check_topics(partitions: Mapping[str, int]) -> Iterator[Finding]:
    """Compare what is there with the catalogue."""
    missing = [topic.name for topic in TOPICS if topic.name not in partitions]
    wrong = [topic for topic in TOPICS if partitions.get(topic.name, topic.partitions) != topic.partitions]
    if missing:
        yield broken(
            "topics",
            f"{len(missing)} of {len(TOPICS)} are missing: {', '.join(missing)}",
            why="nobody made them, or the broker's data is gone",
            mend="a local system makes them at its start; on Kubernetes apply the KafkaTopics of deploy/k8s",
        )
    if wrong:
        said = ", ".join(f"{topic.name} has {partitions[topic.name]}, not {topic.partitions}" for topic in wrong)
        yield look(
            "topics",
            f"partition counts differ from the catalogue: {said}",
            why="they were made or changed by hand",
            mend="all topics keyed by case id need one count, or a case's order is lost; see docs/decisions/0004",
        )
    if not missing and not wrong:
        yield fine("topics", f"all {len(TOPICS)} are there with their partitions")


def check_groups(cluster: Cluster) -> Iterator[Finding]:
    """How far each consumer group is behind."""
    for group, committed in sorted(cluster.committed.items()):
        lag = sum(max(0, cluster.ends.get(place, offset) - offset) for place, offset in committed.items())
        if lag > LAG_WORTH_A_LOOK:
            yield look(
                f"group {group}",
                f"{lag} records behind",
                why="it handles less than comes in, is catching up, or does not run",
                mend="watch it fall; if it does not, look at that service's probes and log",
            )
        else:
            yield fine(f"group {group}", f"{lag} records behind")
    if not cluster.committed:
        yield look(
            "groups", "no service has committed anything yet", why="none has run here", mend="start the services"
        )


def check_dead_letters(dead: Found, *, now: datetime) -> Finding:
    """How many records were set aside and not sent again, whether they are growing, and why the last one was."""
    count = dead.fitting - dead.replayed
    said = f"{dead.replayed} were sent again" if dead.replayed else ""
    if not count:
        return fine("dead letters", said or "none")
    last = next((letter for letter in reversed(dead.letters) if not letter.replayed), dead.letters[-1])
    told = last.origin
    recent = sum(letter.origin.at >= now - LATELY for letter in dead.letters if not letter.replayed)
    growing = f", {recent} of them in the last hour" if recent else ""
    return look(
        "dead letters",
        f"{count} {'record was' if count == 1 else 'records were'} set aside{growing}{f'; {said}' if said else ''}",
        why=f"the last, by {told.service} from {told.topic}/{told.partition}@{told.offset}: {told.reason}",
        mend=f"whistle dead-letter show {last.place}; its cause mended: whistle dead-letter replay {last.place}",
    )


async def _check_playbooks(bootstrap: str) -> list[Finding]:
    try:
        shelf = await read_in_force(bootstrap)
    except Trouble as trouble:
        return [broken("playbook", trouble.what, why=trouble.why, mend=trouble.mend)]
    return [check_playbooks(shelf), check_calendars(shelf.each(), today=utc_now().date())]


def check_playbooks(shelf: PlaybookShelf) -> Finding:
    """Which playbooks are in force, and the counties whose newest record was refused, each with its reason."""
    # Reading each tells of a bad one.
    said = ", ".join(f"{one.county} {one.name.zh} version {one.version}" for one in shelf.each())
    refused = "; ".join(str(refusal) for refusal in shelf.refusals.values())
    if not said:
        return broken(
            "playbook",
            "none is in force",
            why=f"refused: {refused}" if refused else "none was published",
            mend="whistle playbook publish FOLDER",
        )
    if refused:
        return look(
            "playbook", said, why=f"a newer record was refused, {refused}", mend="whistle playbook publish a good one"
        )
    return fine("playbook", said)


async def _read(bootstrap: str) -> Cluster:
    async with _admin(bootstrap) as admin, _consumer(bootstrap) as consumer:
        described: Sequence[Mapping[str, Any]] = await admin.describe_topics()
        partitions = {one["topic"]: len(one["partitions"]) for one in described if not one.get("error_code")}
        known = {topic.name for topic in TOPICS} & partitions.keys()
        places = [TopicPartition(name, number) for name in sorted(known) for number in range(partitions[name])]
        begins, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        groups = [row[0] for row in await admin.list_consumer_groups() if row[0].startswith(GROUPS)]
        committed = {}
        for group in groups:
            offsets = await admin.list_consumer_group_offsets(group)
            committed[group] = {place: told.offset for place, told in offsets.items() if told.offset >= 0}
    there = DEAD_LETTER.name in partitions
    dead = await find(bootstrap, Wanted(), most=LOOKED_AT) if there else NONE
    return Cluster(partitions=partitions, begins=begins, ends=ends, committed=committed, dead=dead)


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**client_security(), bootstrap_servers=bootstrap, client_id="whistle-cli")
    try:
        async with asyncio.timeout(CONNECT.total_seconds()):
            await admin.start()
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def _consumer(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        **client_security(), bootstrap_servers=bootstrap, client_id="whistle-cli", enable_auto_commit=False
    )
    try:
        async with asyncio.timeout(CONNECT.total_seconds()):
            await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
