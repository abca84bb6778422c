"""Put playbooks into force on a local broker."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.loops import in_own_loop
from deploy.local.services import ROOT
from shared.events.topics import PLAYBOOK
from shared.playbook.load import load
from shared.playbook.model import Playbook
from shared.playbook.publish import publish
from shared.playbook.record import sealed
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher

DEMO_PLAYBOOK: Final = ROOT / "playbooks" / "yunlu"


def load_playbook(folder: Path = DEMO_PLAYBOOK, *, speed: float = 1) -> Playbook:
    """Return the playbook of ``folder``; with a ``speed`` above 1 as a drill's own version of it.

    Raises:
        BadPlaybook: anything wrong in its files.
    """
    playbook = load(folder, today=utc_now().date())
    if speed == playbook.speed:
        return playbook
    return sealed(replace(playbook, speed=speed, version=f"{playbook.version}-x{speed:g}"))


def put_into_force(bootstrap: str, playbook: Playbook) -> None:
    """Publish ``playbook`` and return when the broker has it; services switch to it within a moment."""

    async def send() -> None:
        publisher = Publisher(bootstrap, client_id="local-platform")
        try:
            await publish(playbook, publisher, now=utc_now())
        finally:
            await publisher.stop()

    in_own_loop(send)


def any_in_force(bootstrap: str) -> bool:
    """True when some playbook was published on this broker before."""

    async def ask() -> bool:
        partitions = [TopicPartition(PLAYBOOK.name, number) for number in range(PLAYBOOK.partitions)]
        async with AIOKafkaConsumer(bootstrap_servers=bootstrap) as consumer:
            ends = await consumer.end_offsets(partitions)
        return any(end > 0 for end in ends.values())

    return in_own_loop(ask)
