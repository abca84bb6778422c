"""A playbook to a record and back, and the shelf that keeps the good ones."""

import asyncio
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from shared.events.codec import Message
from shared.playbook.model import Playbook
from shared.playbook.publish import publish
from shared.playbook.record import from_record, sealed, to_message
from shared.playbook.shelf import PlaybookShelf, UnknownCounty
from shared.vocabulary import Malformed, Refused

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)


@dataclass(frozen=True)
class Record:
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    offset: int = 7


def record_of(message: Message) -> Record:
    return Record(key=message.key, value=message.value, headers=message.headers)


def changed(message: Message, old: str, new: str) -> Record:
    plain = gzip.decompress(message.value).decode()
    assert old in plain
    return Record(key=message.key, value=gzip.compress(plain.replace(old, new, 1).encode()), headers=message.headers)


def test_a_playbook_comes_back_from_its_record_as_it_went(yunlu: Playbook) -> None:
    message = to_message(yunlu, published_at=NOW)
    back = from_record(message.value, message.headers)
    assert back == yunlu
    assert sealed(back).digest == yunlu.digest
    assert message.topic == "whistle.playbook.v1"
    assert message.key == b"990101"
    assert len(message.value) < 256 * 1024


def test_the_same_content_makes_the_same_record(yunlu: Playbook) -> None:
    assert to_message(yunlu, published_at=NOW) == to_message(yunlu, published_at=NOW)


def test_the_digest_changes_with_any_content(yunlu: Playbook) -> None:
    others = (
        replace(yunlu, version="2"),
        replace(yunlu, speed=2.0),
        replace(yunlu, rules=yunlu.rules[1:]),
        replace(yunlu, timezone="UTC"),
    )
    assert len({sealed(other).digest for other in (yunlu, *others)}) == 5


def test_a_record_of_a_grown_model_still_agrees_with_its_digest(yunlu: Playbook) -> None:
    message = to_message(yunlu, published_at=NOW)
    event = json.loads(gzip.decompress(message.value))
    del event["content"]["policy"]["reopen_hours"]  # as if it was published before the field was there
    with pytest.raises(Malformed, match="digest"):
        from_record(json.dumps(event).encode(), [h for h in message.headers if h[0] != "content-encoding"])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    (
        ('"power":"handle"', '"power":"wield"', "power"),
        ('"reopen_hours":72', '"reopen_hours":73', "digest"),
        ('"version":"2026', '"version":"2027', "outside"),
        ('"county":"990101"', '"county":"990102"', "outside"),
    ),
)
def test_a_changed_record_is_malformed(yunlu: Playbook, old: str, new: str, why: str) -> None:
    record = changed(to_message(yunlu, published_at=NOW), old, new)
    with pytest.raises(Malformed, match=why):
        from_record(record.value, record.headers)


def test_cut_off_gzip_is_malformed(yunlu: Playbook) -> None:
    message = to_message(yunlu, published_at=NOW)
    with pytest.raises(Malformed, match="cut off"):
        from_record(message.value[:-100], message.headers)
    with pytest.raises(Malformed, match="not gzip"):
        from_record(b"no" + message.value, message.headers)


async def test_the_shelf_follows_refuses_bad_records_and_keeps_the_old(yunlu: Playbook) -> None:
    shelf = PlaybookShelf()
    await shelf.receive(record_of(to_message(yunlu, published_at=NOW)))
    newer = sealed(replace(yunlu, version="2026.11.2"))
    bad_rules = sealed(replace(yunlu, version="bad", categories={}))
    for bad in (
        changed(to_message(newer, published_at=NOW), '"power":"handle"', '"power":"wield"'),
        record_of(to_message(bad_rules, published_at=NOW)),
        replace(record_of(to_message(newer, published_at=NOW)), key=b"990102"),
        Record(key=b"990101", value=b"{}"),
    ):
        await shelf.receive(bad)
        assert shelf.of("990101101200").version == "2026.11.1"
    assert shelf.refused == 4
    await shelf.receive(record_of(to_message(newer, published_at=NOW)))
    assert shelf.of("990101").version == "2026.11.2"
    assert shelf.known("990101", "2026.11.1") == yunlu, "cases that started under it still find it"
    assert shelf.known("990101", "2026.11.1", newer.digest) is None
    assert shelf.known("990101", "bad") is None


async def test_a_tombstone_withdraws_a_county(yunlu: Playbook) -> None:
    shelf = PlaybookShelf()
    await shelf.put(yunlu)
    await shelf.receive(Record(key=b"990101", value=None))
    with pytest.raises(UnknownCounty, match="990101"):
        shelf.of("990101001")


async def test_an_unknown_county_is_waited_for_and_then_refused(yunlu: Playbook) -> None:
    shelf = PlaybookShelf()
    waiting = asyncio.create_task(shelf.wait_for("990101001", timeout_seconds=5))
    await asyncio.sleep(0)
    await shelf.put(yunlu)
    assert await waiting == yunlu
    with pytest.raises(UnknownCounty) as unknown:
        await shelf.wait_for("990777", timeout_seconds=0.01)
    assert unknown.value.allowed == ("990101",)


async def test_only_so_many_old_versions_are_kept(yunlu: Playbook) -> None:
    shelf = PlaybookShelf()
    for number in range(12):
        await shelf.put(replace(yunlu, version=str(number)))
    kept = [number for number in range(12) if shelf.known("990101", str(number))]
    assert kept == list(range(3, 12))


class Sent:
    """Keeps what was published."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def publish(self, messages: Sequence[Message]) -> None:
        self.messages += messages


async def test_publishing_sends_one_record_and_refuses_what_is_not_sound(yunlu: Playbook) -> None:
    sent = Sent()
    await publish(yunlu, sent, now=NOW)
    assert [message.key for message in sent.messages] == [b"990101"]
    with pytest.raises(Refused, match="digest"):
        await publish(replace(yunlu, version="3"), sent, now=NOW)
    with pytest.raises(Refused, match="problem"):
        await publish(sealed(replace(yunlu, departments={})), sent, now=NOW)
    with pytest.raises(Refused, match="2031 is missing"):
        await publish(yunlu, sent, now=NOW.replace(year=2031))
    assert len(sent.messages) == 1
