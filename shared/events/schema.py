"""The published form of the events: JSON Schema for each type and one AsyncAPI 3 document.

``python -m shared.events.schema`` writes them to ``docs/schemas``; ``--check`` fails when a file is
stale. Both fail when a type lost or narrowed a field: such a change needs a new version of the type
(a new class whose TYPE ends in ``.v2`` beside the old one).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Final

from shared.events.codec import CONTENT_TYPE, REQUIRED, adapter
from shared.events.compatibility import broken
from shared.events.examples import examples_of
from shared.events.topics import PAYLOADS, TOPICS, Topic

ROOT: Final = Path(__file__).parents[2] / "docs" / "schemas"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
HEADERS: Final = {
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {"type": "string", "format": "uuid", "description": "Deterministic: a repeat has the same id."},
    "ce_source": {"type": "string", "description": "The service that wrote it, as /whistle/<service>."},
    "ce_type": {"type": "string"},
    "ce_subject": {"type": "string", "description": "The case id; for a playbook the county code."},
    "ce_time": {"type": "string", "format": "date-time"},
    "ce_sequence": {"type": "string", "pattern": "^[0-9]+$", "description": "The case's version, or the one answered."},
    "ce_partitionkey": {"type": "string", "description": "The record's key."},
    "content-type": {"type": "string", "const": CONTENT_TYPE},
    "traceparent": {"type": "string", "description": "W3C Trace Context."},
}


def documents() -> dict[str, str]:
    """Every generated file by its path below ``docs/schemas``."""
    files = {f"events/{kind}.json": _written(json_schema(kind)) for kind in PAYLOADS}
    return {**files, "asyncapi.json": _written(asyncapi())}


def json_schema(kind: str) -> dict[str, Any]:
    """The JSON Schema of the data of events of type ``kind``."""
    schema = adapter(PAYLOADS[kind]).json_schema()
    return {"$schema": DIALECT, "$id": f"urn:{kind.replace('.', ':')}", **schema}


def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of all topics, with Kafka bindings and examples."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Whistle events",
            "version": "1",
            "description": "Every topic of Whistle. CloudEvents 1.0, Kafka binary binding.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": CONTENT_TYPE,
        "channels": {topic.name: _channel(topic) for topic in TOPICS},
        "operations": {name: part for topic in TOPICS for name, part in _operations(topic).items()},
        "components": {"messages": {kind: _message(kind) for kind in PAYLOADS}},
    }


def stale(root: Path = ROOT) -> list[str]:
    """What is wrong with the files in ``root``, a line each: narrowed types first, then stale files."""
    wanted = documents()
    problems = [line for kind in PAYLOADS for line in _narrowings(root, kind)]
    problems += [
        f"docs/schemas/{name}: stale; run `make schema`"
        for name, text in wanted.items()
        if not (root / name).is_file() or (root / name).read_text(encoding="utf-8") != text
    ]
    found = {f"events/{path.name}" for path in (root / "events").glob("*.json")}
    problems += [
        f"docs/schemas/{name}: the type is gone from the catalogue; a published type stays readable"
        for name in sorted(found - set(wanted))
    ]
    return problems


def write(root: Path = ROOT) -> list[str]:
    """Write every file below ``root``; refuse, and say why, when a type was narrowed."""
    problems = [line for kind in PAYLOADS for line in _narrowings(root, kind)]
    if problems:
        return problems
    for name, text in documents().items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return []


def main(arguments: list[str]) -> int:
    """Write, or with ``--check`` compare; 1 when something is wrong."""
    problems = stale() if "--check" in arguments else write()
    for line in problems:
        sys.stderr.write(line + "\n")
    return 1 if problems else 0


def _narrowings(root: Path, kind: str) -> list[str]:
    path = root / "events" / f"{kind}.json"
    if not path.is_file():
        return []
    published = json.loads(path.read_text(encoding="utf-8"))
    return [f"{kind} {line}; give the change a new version" for line in broken(published, json_schema(kind))]


def _written(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _channel(topic: Topic) -> dict[str, Any]:
    return {
        "address": topic.name,
        "description": f"Key: {topic.key}. Written by {_names(topic.producers)}; read by {_names(topic.consumers)}.",
        "messages": {kind.TYPE: {"$ref": f"#/components/messages/{kind.TYPE}"} for kind in topic.types},
        "bindings": {
            "kafka": {
                "partitions": topic.partitions,
                "topicConfiguration": _configuration(topic),
                "bindingVersion": "0.5.0",
            }
        },
    }


def _configuration(topic: Topic) -> dict[str, Any]:
    """The settings as the Kafka binding types them: numbers, and the clean-up policy as a list."""
    return {name: text.split(",") if name == "cleanup.policy" else int(text) for name, text in topic.config.items()}


def _operations(topic: Topic) -> dict[str, Any]:
    channel = {"channel": {"$ref": f"#/channels/{topic.name}"}}
    sends = {f"{who}.send.{topic.name}": {"action": "send", **channel} for who in sorted(topic.producers)}
    receives = {f"{who}.receive.{topic.name}": {"action": "receive", **channel} for who in sorted(topic.consumers)}
    return {**sends, **receives}


def _message(kind: str) -> dict[str, Any]:
    payload = PAYLOADS[kind]
    return {
        "name": kind,
        "title": payload.__name__,
        "summary": (payload.__doc__ or "").strip().splitlines()[0],
        "contentType": CONTENT_TYPE,
        "headers": {"type": "object", "required": [*REQUIRED], "properties": HEADERS},
        "payload": {"schemaFormat": "application/schema+json;version=draft-2020-12", "schema": json_schema(kind)},
        "examples": [{"name": name, "payload": example} for name, example in examples_of(kind).items()],
        "bindings": {"kafka": {"key": {"type": "string"}, "bindingVersion": "0.5.0"}},
    }


def _names(services: frozenset[str]) -> str:
    return ", ".join(sorted(services)) or "operators"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
