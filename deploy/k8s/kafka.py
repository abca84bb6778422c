"""Kafka's part of the manifests, made from the topic catalogue: each topic, and each service's least rights.

``python -m deploy.k8s.kafka`` writes ``components/kafka-strimzi/{topics,users}.yaml``; ``--check`` fails on stale ones.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from shared.events.topics import CASE, DEAD_LETTER, PLAYBOOK, SLA, TOPICS, Topic

FOLDER: Final = Path(__file__).resolve().parent / "components" / "kafka-strimzi"
MADE: Final = "# Made by `make schema` from shared/events/topics.py; edit the catalogue, not this file.\n"
SERVICES: Final = ("intake", "router", "escalation", "notifier")
PUBLISHER: Final = "publisher"
"""Not a service: whoever runs ``whistle playbook publish``."""
OPERATOR: Final = "operator"
"""Not a service: whoever runs ``whistle dead-letter``, reads letters and sends them again to where they came from."""
LEARNER: Final = "learner"
"""Not a service: whoever runs ``whistle classify train --from-topic``."""
_ALSO_READ: Final = {OPERATOR: DEAD_LETTER, LEARNER: CASE, "escalation": SLA}
"""Beside what is consumed; a repair of clocks asks what they have said already."""

REPLICAS: Final = 3
DURABLE: Final = {"min.insync.replicas": "2"}
"""With three replicas and acks=all, an acknowledged record survives the loss of any one broker."""


def main() -> int:
    """Write the two files, or with ``--check`` name those that are stale; the exit code is the answer."""
    users = (*SERVICES, PUBLISHER, OPERATOR, LEARNER)
    made = {"topics.yaml": documents(map(topic, TOPICS)), "users.yaml": documents(map(user, users))}
    if "--check" not in sys.argv[1:]:
        for name, text in made.items():
            (FOLDER / name).write_text(text, encoding="utf-8")
        return 0
    stale = [name for name, text in made.items() if not _is_current(FOLDER / name, text)]
    for name in stale:
        print(f"{FOLDER.name}/{name} is stale: run `make schema`", file=sys.stderr)
    return 1 if stale else 0


def documents(made: Iterable[str]) -> str:
    """Join YAML documents into one file that says where it comes from."""
    return MADE + "---\n".join(made)


def topic(topic: Topic) -> str:
    """Return the KafkaTopic of a catalogue entry."""
    config = {**DURABLE, **topic.config}
    lines = "".join(f'    {name}: "{value}"\n' for name, value in sorted(config.items()))
    return (
        f"apiVersion: kafka.strimzi.io/v1\n"
        f"kind: KafkaTopic\n"
        f"metadata:\n"
        f"  name: {topic.name}\n"
        f"  namespace: whistle\n"
        f"  labels: {{strimzi.io/cluster: whistle}}\n"
        f"spec:\n"
        f"  partitions: {topic.partitions}\n"
        f"  replicas: {REPLICAS}\n"
        f"  config:\n{lines}"
    )


def user(name: str) -> str:
    """Return the KafkaUser of a service or one beside them; its Secret ``kafka-<name>`` holds a client certificate."""
    rules = "".join(f"      - {rule}\n" for rule in rights(name))
    return (
        f"apiVersion: kafka.strimzi.io/v1\n"
        f"kind: KafkaUser\n"
        f"metadata:\n"
        f"  name: kafka-{name}\n"
        f"  namespace: whistle\n"
        f"  labels: {{strimzi.io/cluster: whistle}}\n"
        f"spec:\n"
        f"  authentication: {{type: tls}}\n"
        f"  authorization:\n"
        f"    type: simple\n"
        f"    acls:\n{rules}"
    )


def rights(name: str) -> Iterator[str]:
    """Yield the least ACLs of ``name``: read what it consumes, write what it produces, be in its own groups.

    A service's consumer groups are ``whistle-<service>`` and names that begin so.
    """
    for entry in TOPICS:
        operations = [
            *(["Read"] if name in entry.consumers or _ALSO_READ.get(name) is entry else []),
            *(["Write"] if name in entry.producers or (name == OPERATOR and entry is not PLAYBOOK) else []),
        ]
        if operations:
            yield _rule("topic", entry.name, [*operations, "Describe"])
    if name in SERVICES:
        yield _rule("group", f"whistle-{name}", ["Read"], pattern="prefix")


def _rule(kind: str, name: str, operations: list[str], *, pattern: str = "literal") -> str:
    resource = f"{{type: {kind}, name: {name}, patternType: {pattern}}}"
    return f'{{resource: {resource}, operations: [{", ".join(operations)}], host: "*"}}'


def _is_current(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main())
