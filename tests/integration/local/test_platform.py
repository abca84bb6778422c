"""The platform's servers: they come up, come back, keep their data, and leave nothing behind."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from deploy.local import kafka as kafka_part
from deploy.local.keys import DEMO_COUNTY, county_bearers
from deploy.local.loops import in_own_loop
from deploy.local.platform import Options, Platform
from deploy.local.processes import PartFailed
from deploy.local.progress import Quiet
from shared.events.topics import DEAD_LETTER
from shared.runtime.auth import KeyRing
from tests.integration.local.processes import processes_naming
from tests.platform import data_folder

TOPIC = DEAD_LETTER.name


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    with data_folder("platform") as folder:
        yield folder


@pytest.fixture(scope="module")
def running(data: Path) -> Iterator[tuple[Platform, Quiet]]:
    """One running platform for the tests that take parts of it away and see them come back."""
    platform, progress = servers_on(data)
    with platform:
        yield platform, progress
    assert processes_naming(str(data)) == []


def servers_on(data: Path) -> tuple[Platform, Quiet]:
    """A platform of Kafka and PostgreSQL without services."""
    progress = Quiet()
    options = Options(data=data, services=(), bearers=county_bearers(DEMO_COUNTY), known_ports=False)
    return Platform(options, progress), progress


async def leave_a_trace(platform: Platform, text: str) -> None:
    """Write ``text`` to Kafka and PostgreSQL."""
    async with AIOKafkaProducer(bootstrap_servers=platform.bootstrap, acks="all") as producer:
        await producer.send_and_wait(TOPIC, text.encode(), partition=0)
    connection = await asyncpg.connect(platform.dsn)
    await connection.execute("CREATE TABLE IF NOT EXISTS trace (text text)")
    await connection.execute("INSERT INTO trace VALUES ($1)", text)
    await connection.close()


async def traces(platform: Platform) -> tuple[list[str], list[str]]:
    """Read what was written to Kafka and to PostgreSQL."""
    async with AIOKafkaConsumer(bootstrap_servers=platform.bootstrap, auto_offset_reset="earliest") as consumer:
        partition = TopicPartition(TOPIC, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        records = [(await consumer.getone()).value.decode() for _ in range(end)]
    connection = await asyncpg.connect(platform.dsn)
    rows = [row["text"] for row in await connection.fetch("SELECT text FROM trace")]
    await connection.close()
    return records, rows


def test_a_broker_killed_by_hand_is_said_and_comes_back_on_its_port_with_its_data(
    running: tuple[Platform, Quiet],
) -> None:
    platform, progress = running
    in_own_loop(lambda: leave_a_trace(platform, "before the kill"))
    address, starts = platform.bootstrap, platform.starts("kafka")
    platform.kill("kafka", signal.SIGKILL)
    assert not kafka_part.answers(address)
    platform.await_ready("kafka")
    assert platform.bootstrap == address
    assert platform.starts("kafka") == starts + 1
    assert any("kafka: ended by itself (killed by SIGKILL)" in line for line in progress.lines)
    records, _ = in_own_loop(lambda: traces(platform))
    assert "before the kill" in records


def test_a_postgres_killed_by_hand_comes_back_with_its_data(running: tuple[Platform, Quiet]) -> None:
    platform, _ = running
    in_own_loop(lambda: leave_a_trace(platform, "before the other kill"))
    platform.kill("postgres", signal.SIGKILL)
    platform.await_ready("postgres")
    _, rows = in_own_loop(lambda: traces(platform))
    assert "before the other kill" in rows


def test_a_server_that_was_taken_away_stays_away_until_it_is_brought_back(running: tuple[Platform, Quiet]) -> None:
    platform, _ = running
    platform.stop_kafka()
    platform.stop_postgres()
    assert platform.pids() == {}
    assert processes_naming(str(platform.data)) == []
    platform.start_kafka()
    platform.start_postgres()
    assert set(platform.pids()) == {"kafka", "postgres"}


def test_two_platforms_do_not_share_a_data_folder(running: tuple[Platform, Quiet]) -> None:
    platform, _ = running
    intruder, _ = servers_on(platform.data)
    with pytest.raises(PartFailed, match=f"in use by process {os.getpid()}"):
        intruder.start()
    assert set(platform.pids()) == {"kafka", "postgres"}
    assert (platform.data / "run.json").exists()


def test_keys_handed_out_while_it_runs_are_the_ones_that_services_accept(running: tuple[Platform, Quiet]) -> None:
    platform, _ = running
    tokens = platform.hand_out(county_bearers("990102"))
    ring = KeyRing.load(platform.keys.hashes)
    assert ring.authenticate(f"Bearer {tokens['990102-operator']}").area == "990102"
    assert ring.authenticate(f"Bearer {platform.keys.token('990101-operator')}").area == "990101"
    assert platform.keys.tokens.stat().st_mode & 0o077 == 0


def test_a_second_start_on_the_same_data_has_the_same_addresses_keys_and_content() -> None:
    with data_folder("again") as data:
        first, _ = servers_on(data)
        with first:
            in_own_loop(lambda: leave_a_trace(first, "first"))
            before = (first.bootstrap, first.dsn, first.keys.token("990101-operator"))
        assert processes_naming(str(data)) == []
        assert not (data / "run.json").exists()
        second, _ = servers_on(data)
        with second:
            assert (second.bootstrap, second.dsn, second.keys.token("990101-operator")) == before
            records, rows = in_own_loop(lambda: traces(second))
            assert (records, rows) == (["first"], ["first"])


def test_a_service_that_cannot_start_fails_by_name_with_its_last_lines_and_leaves_nothing() -> None:
    with data_folder("failing") as data:
        platform = Platform(Options(data=data, services=("soothsayer",), known_ports=False), Quiet())
        with pytest.raises(PartFailed) as failure:
            platform.start()
        assert failure.value.part == "soothsayer"
        assert "No module named services.soothsayer" in "\n".join(failure.value.last_lines)
        assert processes_naming(str(data)) == []
        assert not (data / "run.json").exists()
