"""A real broker that asks every client for a certificate and grants what the manifests' KafkaUsers grant, no more."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from aiokafka import AIOKafkaClient
from aiokafka.protocol.admin import CreateAclsRequest

from deploy.local.kafka import KafkaPlace, jars_in, kafka_program, prepare_kafka
from deploy.local.places import default_cache
from deploy.local.ports import choose_ports
from deploy.local.processes import Keeper
from deploy.local.progress import Quiet
from deploy.local.topics import make_topics
from tests.unit.runtime.certificates import Authority

USERS = Path(__file__).resolve().parents[3] / "deploy" / "k8s" / "components" / "kafka-strimzi" / "users.yaml"
# The numbers of Kafka's protocol.
RESOURCES = {"topic": 2, "group": 3}
PATTERNS = {"literal": 3, "prefix": 4}
OPERATIONS = {"Read": 3, "Write": 4, "Describe": 8}
ALLOW = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardedKafka:
    """Where clients with a certificate reach the broker, and where their certificates lie."""

    bootstrap: str
    folder: Path

    def environment(self, user: str) -> dict[str, str]:
        """Return the settings of the pod of ``user``."""
        return {
            "WHISTLE_KAFKA_CA_FILE": str(self.folder / "ca.crt"),
            "WHISTLE_KAFKA_CERT_FILE": str(self.folder / f"{user}.crt"),
            "WHISTLE_KAFKA_KEY_FILE": str(self.folder / f"{user}.key"),
        }


@contextmanager
def running_guarded_kafka(data: Path) -> Iterator[GuardedKafka]:
    """Run the broker on files in ``data`` with the catalogue's topics and the manifests' rights."""
    ports = choose_ports({"open": None, "controller": None, "guarded": None}, data / "ports.json")
    place = KafkaPlace(
        data=data / "kafka",
        jars=jars_in(default_cache(), say=lambda _: None),
        log=data / "kafka.log",
        port=ports["open"],
        controller_port=ports["controller"],
    )
    folder = data / "certificates"
    folder.mkdir()
    authority = Authority(folder)
    for user in users():
        authority.issue(user["metadata"]["name"])
    broker = authority.issue("broker")
    (folder / "broker.pem").write_bytes(broker.key.read_bytes() + broker.certificate.read_bytes())
    prepare_kafka(place)
    with (place.data / "server.properties").open("a", encoding="utf-8") as settings:
        # A later line counts; the plain listener stays for the controller and for whoever makes topics and rights.
        settings.writelines(f"{name}={value}\n" for name, value in guards(place, folder, ports["guarded"]).items())
    keeper = Keeper(kafka_program(place), Quiet())
    keeper.start()
    try:
        make_topics(place.bootstrap)
        asyncio.run(grant_rights(place.bootstrap))
        yield GuardedKafka(bootstrap=f"127.0.0.1:{ports['guarded']}", folder=folder)
    finally:
        keeper.stop()


def guards(place: KafkaPlace, folder: Path, port: int) -> dict[str, str]:
    """Return the broker's settings for a listener with certificates and for its authorizer."""
    plain = f"PLAINTEXT://127.0.0.1:{place.port}"
    return {
        "listeners": f"{plain},CONTROLLER://127.0.0.1:{place.controller_port},SSL://127.0.0.1:{port}",
        "advertised.listeners": f"{plain},SSL://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SSL:SSL",
        "ssl.client.auth": "required",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.crt"),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",
    }


def users() -> list[dict[str, Any]]:
    """Return the KafkaUsers of the manifests."""
    return list(yaml.safe_load_all(USERS.read_text(encoding="utf-8")))


async def grant_rights(plain_bootstrap: str) -> None:
    """Give each user the rights of its manifest, as Strimzi's operator does."""
    client = AIOKafkaClient(bootstrap_servers=plain_bootstrap)
    await client.bootstrap()
    try:
        node = client.get_random_node()
        for user in users():
            for rule in user["spec"]["authorization"]["acls"]:
                for operation in rule["operations"]:
                    resource = rule["resource"]
                    request = CreateAclsRequest(
                        RESOURCES[resource["type"]],
                        resource["name"],
                        PATTERNS[resource["patternType"]],
                        f"User:CN={user['metadata']['name']}",
                        rule["host"],
                        OPERATIONS[operation],
                        ALLOW,
                    )
                    answer = await client.send(node, request)
                    assert [code for code, *_ in answer.creation_responses] == [0], answer
    finally:
        await client.close()
