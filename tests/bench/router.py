"""The router with ten to ten thousand rules beside peers that only look a table up: same topic, same broker, one run.

The router is the service as it runs in earnest: every order carries its decision with reasons, metrics are
counted, offsets are committed behind acknowledged orders. The peers pass each record on unchanged to one of
three topics. All of them: one process, one thread of work, acks=all, the same number of partitions.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import tempfile
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Final

from deploy.local.playbooks import load_playbook, put_into_force
from services.router.handlers import GROUP
from shared.events.topics import CASE, ORDER
from shared.playbook.record import sealed
from shared.runtime.delivery import Publisher, PublisherSettings
from tests.bench.contest import Contender, Failed, Score, run
from tests.bench.events_made import made_events, texts
from tests.bench.ground import AT_ONCE, ground, make_topics
from tests.bench.java_programs import STREAMS, LeftOut, compiled
from tests.bench.peers.table_lookup import write_table
from tests.bench.rules_made import made_playbook
from tests.bench.table import Row, Size

EVENTS: Final = 1_000_000
SLOW_PART: Final = 10
"""Peers that take one record at a time get a tenth of the events: minutes, not an hour, for the same rate."""
LEAST: Final = 20_000
RULES: Final = (10, 1_000, 10_000)
PREFIX: Final = "bench.out."
OUTPUTS: Final = tuple(PREFIX + level for level in ("county", "town", "village"))
COMPRESSION: Final = PublisherSettings().compression or "none"
"""As the router's publisher has it; the peers get the same."""
BESIDE: Final = "Kafka Streams at_least_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """What every contender is told."""

    bootstrap: str
    table: Path
    folder: Path
    events: int


async def bench(size: Size) -> Sequence[Row]:
    """Run every contender in turn and twice, and show the better of each: a neighbour's burst must not count."""
    # The client tells of each try to rewind a group whose last member is still remembered.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    events = size.events or EVENTS
    with tempfile.TemporaryDirectory(prefix="whistle-bench-") as folder:
        async with ground() as system:
            await make_topics(system.bootstrap, *OUTPUTS)
            stage = Stage(bootstrap=system.bootstrap, table=Path(folder, "table"), folder=Path(folder), events=events)
            rows = write_table(made_playbook(max(RULES)), stage.table)
            await _fill(system.bootstrap, events)
            _say(f"{events:,} cases, {len(texts()):,} texts, {rows:,} rows in the table of the peers")
            scores, left_out = await _contest(stage, size)
    return [*_shown(scores), *(Row(what=f"{name}: left out, {why}", figure=0, unit="") for name, why in left_out)]


async def _contest(stage: Stage, size: Size) -> tuple[dict[str, Score], list[tuple[str, str]]]:
    scores: defaultdict[str, list[Score]] = defaultdict(list)
    left_out: dict[str, str] = {}
    for _ in range(size.rounds):
        for peer in (*PEERS, *(f"router-{rules}" for rules in RULES)):
            if peer in left_out or size.only not in peer:
                continue
            try:
                contender = await asyncio.to_thread(_ready, peer, stage)
                score = await run(contender, stage.bootstrap, CASE.name, folder=stage.folder)
            except (LeftOut, Failed) as why:
                left_out[peer] = str(why)
                continue
            _say(f"{contender.name}: {score.rate:,.0f}/s, {score.cpu_micros:.1f} µs, {score.mib:.0f} MiB")
            scores[contender.name].append(score)
    return {name: max(of, key=lambda score: score.rate) for name, of in scores.items()}, list(left_out.items())


def _ready(peer: str, stage: Stage) -> Contender:
    """Return the contender, compiled or with its rules in force."""
    return PEERS[peer](stage) if peer in PEERS else _router(int(peer.removeprefix("router-")), stage)


def _router(rules: int, stage: Stage) -> Contender:
    put_into_force(stage.bootstrap, made_playbook(rules))
    return Contender(
        name=f"the router, {rules:,} rules",
        command=(sys.executable, "-m", "services.router"),
        events=stage.events,
        group=GROUP,
        outputs=[topic.name for topic in ORDER.values()],
        one_for_one=False,
        environment={
            "WHISTLE_KAFKA": stage.bootstrap,
            "WHISTLE_OPS_PORT": "0",
            "WHISTLE_BATCH_RECORDS": "4000",
        },
    )


def _python(name: str, module: str, stage: Stage, *, part: int = 1) -> Contender:
    return _peer(name, (sys.executable, "-m", f"tests.bench.peers.{module}"), stage, part=part)


def _streams(guarantee: str, stage: Stage) -> Contender:
    command = compiled("StreamsLookup", STREAMS, stage.folder)
    contender = _peer(f"Kafka Streams {guarantee}", command, stage)
    bootstrap, group, *rest = contender.command[len(command) :]
    return replace(contender, command=(*command, bootstrap, group, guarantee, *rest))


def _peer(name: str, command: Sequence[str], stage: Stage, *, part: int = 1) -> Contender:
    group = f"bench-{uuid.uuid4()}"
    return Contender(
        name=name,
        command=(*command, stage.bootstrap, group, COMPRESSION, CASE.name, PREFIX, str(stage.table)),
        events=max(stage.events // part, min(stage.events, LEAST)),
        group=group,
        outputs=OUTPUTS,
    )


PEERS: Final[dict[str, Callable[[Stage], Contender]]] = {
    "bare": partial(_python, "bare aiokafka", "bare"),
    "streams": partial(_streams, "at_least_once"),
    "streams-eos": partial(_streams, "exactly_once_v2"),
    "faststream": partial(_python, "FastStream", "fast_stream", part=SLOW_PART),
    "faust": partial(_python, "stock Faust", "stock_faust", part=SLOW_PART),
}


async def _fill(bootstrap: str, events: int) -> None:
    # No published version: each case is routed by the rules in force, whichever round it is.
    unpublished = sealed(replace(load_playbook(), version="bench"))
    publisher = Publisher(bootstrap, client_id="filler")
    made = made_events(events, unpublished, topic=CASE.name)
    while some := list(islice(made, AT_ONCE)):
        await publisher.publish(some)
    await publisher.stop()


def _shown(scores: Mapping[str, Score]) -> Iterator[Row]:
    beside = scores.get(BESIDE)
    for name, score in scores.items():
        yield Row(
            what=name,
            figure=score.rate,
            unit="events/s",
            beside=beside.rate if beside is not None and score is not beside else None,
            more=f"{score.cpu_micros:6.1f} µs CPU, {score.mib:5.0f} MiB, {score.outputs_each:.2f} records out an event",
        )


def _say(what: str) -> None:
    print(f"   {what}", flush=True)
