"""Kafka or PostgreSQL alone, ready to use: what tests and quick work need when the services are not wanted."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.kafka import KafkaPlace, jars_in, kafka_program, prepare_kafka
from deploy.local.ports import choose_ports
from deploy.local.postgres import PostgresPlace, create_database, place_postgres, postgres_program, prepare_postgres
from deploy.local.processes import Keeper
from deploy.local.progress import Progress, Tone
from deploy.local.topics import make_topics


@contextmanager
def running_kafka(data: Path, *, cache: Path, progress: Progress) -> Iterator[tuple[Keeper, KafkaPlace]]:
    """Run a broker with the catalogue's topics on the files of ``data`` and stop it at the end."""
    data.mkdir(parents=True, exist_ok=True)
    ports = choose_ports({"kafka": None, "controller": None}, data / "kafka-ports.json")
    place = KafkaPlace(
        data=data / "kafka",
        jars=jars_in(cache, say=lambda text: progress.say("kafka", text)),
        log=data / "logs" / "kafka.log",
        port=ports["kafka"],
        controller_port=ports["controller"],
    )
    prepare_kafka(place)
    keeper = Keeper(kafka_program(place), progress)
    progress.say("kafka", f"starting, data in {data} …")
    keeper.start()
    try:
        make_topics(place.bootstrap)
        progress.say("kafka", f"ready on {place.bootstrap}", tone=Tone.GOOD)
        yield keeper, place
    finally:
        keeper.stop()


@contextmanager
def running_postgres(data: Path, *, cache: Path, progress: Progress) -> Iterator[tuple[Keeper, PostgresPlace]]:
    """Run a server with the database ``whistle`` on the files of ``data`` and stop it at the end."""
    data.mkdir(parents=True, exist_ok=True)
    ports = choose_ports({"postgres": None}, data / "postgres-ports.json")
    place = place_postgres(data / "postgres", cache=cache, log=data / "logs" / "postgres.log", port=ports["postgres"])
    prepare_postgres(place)
    keeper = Keeper(postgres_program(place), progress)
    progress.say("postgres", f"starting, data in {data} …")
    keeper.start()
    try:
        create_database(place.dsn)
        progress.say("postgres", f"ready on port {place.port}", tone=Tone.GOOD)
        yield keeper, place
    finally:
        keeper.stop()
