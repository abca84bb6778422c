"""The catalogue of topics walked: examples, old bytes, the CloudEvents binding, the published schema."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from jsonschema import Draft202012Validator

from shared.events import schema
from shared.events.codec import adapter, decode, encode
from shared.events.envelope import Event, derive_id
from shared.events.examples import examples_of
from shared.events.topics import CASE_PARTITIONS, PAYLOADS, TOPICS, topic_of
from shared.vocabulary import Malformed

EXAMPLES = [(kind, name) for kind in PAYLOADS for name in examples_of(kind)]
SOME_ID = UUID("5f2b7c1e-9d57-5c1a-8a6e-0d8f4e9b2a12")


def example(kind: str, name: str) -> Event[Any]:
    data = adapter(PAYLOADS[kind]).validate_python(examples_of(kind)[name], strict=False)
    return Event(
        id=derive_id(SOME_ID, kind, name),
        source="/whistle/intake",
        subject="0c9f9a52-6a5e-5a30-9c1b-7f1d7c3e2b11",
        time=datetime(2026, 11, 21, 1, 12, 30, tzinfo=UTC),
        sequence=3,
        data=data,
        traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    )


@pytest.mark.parametrize("kind", PAYLOADS)
def test_every_type_has_two_examples(kind: str) -> None:
    assert len(examples_of(kind)) >= 2


@pytest.mark.parametrize(("kind", "name"), EXAMPLES)
def test_an_example_survives_the_way_to_kafka_and_back(kind: str, name: str) -> None:
    event = example(kind, name)
    message = encode(event)
    assert decode(message.value, message.headers) == event
    assert message.topic == topic_of(event.data).name
    assert message.key == event.subject.encode()


@pytest.mark.parametrize(("kind", "name"), EXAMPLES)
def test_an_example_holds_to_its_published_schema(kind: str, name: str) -> None:
    validator = Draft202012Validator(schema.json_schema(kind))
    assert list(validator.iter_errors(examples_of(kind)[name])) == []


@pytest.mark.parametrize(("kind", "name"), EXAMPLES)
def test_msgspec_and_pydantic_read_the_same_event(kind: str, name: str) -> None:
    message = encode(example(kind, name))
    assert msgspec.json.decode(message.value, type=PAYLOADS[kind]) == adapter(PAYLOADS[kind]).validate_json(
        message.value
    )


@pytest.mark.parametrize(("kind", "name"), EXAMPLES)
def test_the_cloudevents_library_reads_our_headers(kind: str, name: str) -> None:
    event = example(kind, name)
    message = encode(event)
    read = from_binary(KafkaMessage(headers=dict(message.headers), key=message.key, value=message.value), JSONFormat())
    assert (read.get_id(), read.get_type(), read.get_subject()) == (str(event.id), kind, event.subject)
    assert read.get_time() == event.time


def test_a_field_nobody_knows_yet_does_not_stop_a_reader() -> None:
    message = encode(example("whistle.case.opened.v1", "gas-leak"))
    newer = json.dumps({**json.loads(message.value), "added_later": 1}).encode()
    assert decode(newer, message.headers).data.TYPE == "whistle.case.opened.v1"


@pytest.mark.parametrize(
    ("header", "content", "words"),
    (
        ("ce_type", b"whistle.case.invented.v1", "not in the catalogue"),
        ("ce_id", b"7", "ce_id"),
        ("ce_time", b"2026-11-21T09:00:00", "no offset"),
        ("ce_sequence", b"many", "ce_sequence"),
        ("ce_specversion", b"0.3", "allowed: 1.0"),
        ("ce_subject", b"\xff", "UTF-8"),
    ),
)
def test_a_bad_header_is_named(header: str, content: bytes, words: str) -> None:
    message = encode(example("whistle.case.opened.v1", "gas-leak"))
    headers = [(name, content if name == header else text) for name, text in message.headers]
    with pytest.raises(Malformed, match=words):
        decode(message.value, headers)


def test_a_missing_header_is_named() -> None:
    message = encode(example("whistle.case.opened.v1", "gas-leak"))
    with pytest.raises(Malformed, match="missing header ce_subject"):
        decode(message.value, [pair for pair in message.headers if pair[0] != "ce_subject"])


def test_a_bad_field_is_named() -> None:
    message = encode(example("whistle.case.opened.v1", "gas-leak"))
    data = json.loads(message.value)
    data["case"]["area"] = "云麓"
    with pytest.raises(Malformed, match=r"case\.area"):
        decode(json.dumps(data).encode(), message.headers)


@pytest.mark.parametrize("garbage", (b"", b"\xff\xfe", b"[]", b"{", b"null"))
def test_garbage_is_malformed_and_nothing_else(garbage: bytes) -> None:
    message = encode(example("whistle.case.opened.v1", "gas-leak"))
    with pytest.raises(Malformed):
        decode(garbage, message.headers)


def test_topics_keyed_by_case_share_one_partition_count() -> None:
    assert {topic.partitions for topic in TOPICS if topic.key == "case id"} == {CASE_PARTITIONS}


def test_a_topic_has_one_producer_unless_it_is_for_dead_letters() -> None:
    assert {topic.name for topic in TOPICS if len(topic.producers) != 1} == {"whistle.dead-letter.v1"}


def test_the_published_schema_is_fresh_and_nothing_was_narrowed() -> None:
    assert schema.stale() == []
