"""A playbook to a record and back, and the shelf that keeps the good ones."""

import asyncio
import gc
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec
import pytest

from shared.events.codec import Message
from shared.playbook import digest
from shared.playbook import record as record_module
from shared.playbook import shelf as shelf_module
from shared.playbook.digest import digest_of, is_digest_of_parts
from shared.playbook.garbage import held_off
from shared.playbook.model import Playbook
from shared.playbook.publish import publish
from shared.playbook.record import (
    Packed,
    content_of,
    from_record,
    packed,
    playbook_of,
    sealed,
    to_message,
    unpacked,
)
from shared.playbook.shelf import VERSIONS_KEPT, PlaybookShelf, UnknownCounty
from shared.vocabulary import Malformed, Refused
from tests.fakes.counties import moved

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


def wielding(playbook: Playbook, version: str) -> Record:
    """A record whose envelope and digest are good and whose content is no playbook."""
    message = to_message(sealed(replace(playbook, version=version)), published_at=NOW)
    event = json.loads(gzip.decompress(message.value))
    event["content"]["duties"][0]["power"] = "wield"
    event["digest"] = event["content"]["digest"] = digest_of(event["content"])
    return Record(key=message.key, value=gzip.compress(json.dumps(event).encode()), headers=message.headers)


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
        ('"power":"handle"', '"power":"wield"', "digest"),
        ('"reopen_hours":72', '"reopen_hours":73', "digest"),
        ('"version":"2026', '"version":"2027', "outside"),
        ('"county":"990101"', '"county":"990102"', "outside"),
    ),
)
def test_a_changed_record_is_malformed(yunlu: Playbook, old: str, new: str, why: str) -> None:
    record = changed(to_message(yunlu, published_at=NOW), old, new)
    with pytest.raises(Malformed, match=why):
        from_record(record.value, record.headers)


def test_content_that_is_no_playbook_is_malformed_by_the_name_of_its_field(yunlu: Playbook) -> None:
    record = wielding(yunlu, "2026.11.2")
    outside = packed(record.value, record.headers)
    assert (outside.county, outside.version) == ("990101", "2026.11.2"), "its envelope and digest are good"
    with pytest.raises(Malformed, match="power"):
        unpacked(outside)


@pytest.mark.parametrize("size", (1, 3, 7, 100))
def test_content_in_slices_is_what_it_is_whole(yunlu: Playbook, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(digest, "SLICE", size)
    monkeypatch.setattr(digest, "BREATH_SECONDS", 0)
    monkeypatch.setattr(record_module, "SLICE", size)
    message = to_message(yunlu, published_at=NOW)
    assert from_record(message.value, message.headers) == yunlu
    broken = changed(message, '"power":"handle"', '"power":"assist"')
    with pytest.raises(Malformed, match="digest"):
        from_record(broken.value, broken.headers)


def test_a_mistake_far_down_a_long_list_is_named_by_its_place(yunlu: Playbook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "SLICE", 10)
    monkeypatch.setattr(record_module, "SLICE", 10)
    content = content_of(yunlu)
    content["duties"][3]["power"] = "wield"
    content["duties"][427]["area"] = "nowhere"
    del content["duties"][511]["department"]
    content["policy"]["reopen_hours"] = "many"
    with pytest.raises(Malformed) as told:
        playbook_of(json.dumps(content).encode())
    for place in ("duties.3.power", "duties.427.area", "duties.511.department: Field required", "policy.reopen_hours"):
        assert place in told.value.reason


@pytest.mark.parametrize("content", (b"[]", b"7", b'{"duties":{}}', b'{"duties":[1,2]}', b"no"))
def test_content_of_another_kind_is_malformed(content: bytes) -> None:
    with pytest.raises(Malformed, match="playbook"):
        playbook_of(content)


def test_an_unusual_number_has_its_digest_too() -> None:
    for number in (1e16, 2**70, 1e-7, 0.1):
        content = {"b": [number] * 5000, "a": "镇\x7f\u2028", "digest": "-"}
        parts = msgspec.json.decode(json.dumps(content), type=dict[str, msgspec.Raw])
        assert is_digest_of_parts(parts, digest_of(content))
        assert not is_digest_of_parts({**parts, "c": msgspec.Raw(b"1")}, digest_of(content))


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


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The county of each record whose content was read, in order."""
    read: list[str] = []

    def counted(record: Packed) -> Playbook:
        read.append(record.county)
        return unpacked(record)

    monkeypatch.setattr(shelf_module, "unpacked", counted)
    return read


async def test_a_record_is_read_when_it_is_first_used_and_again_when_others_took_its_place(
    yunlu: Playbook, reads: list[str]
) -> None:
    shelf = PlaybookShelf(in_use=2)
    counties = ("990101", "990102", "990103")
    for county in counties:
        await shelf.receive(record_of(to_message(moved(yunlu, county), published_at=NOW)))
    assert shelf.counties == counties
    assert reads == [], "nobody has asked yet"
    for county in ("990101", "990102", "990101", "990103", "990101"):
        assert shelf.of(f"{county}101200").county == county
    assert reads == ["990101", "990102", "990103"], "what is in use stays"
    assert shelf.of("990102") == moved(yunlu, "990102")
    assert reads == ["990101", "990102", "990103", "990102"]
    assert [playbook.county for playbook in shelf.each()] == list(counties)
    assert len(shelf._ready) == 2


async def test_a_record_that_proves_unreadable_leaves_the_last_good_one_in_force(
    yunlu: Playbook, caplog: pytest.LogCaptureFixture
) -> None:
    shelf = PlaybookShelf()
    await shelf.receive(record_of(to_message(yunlu, published_at=NOW)))
    for number in range(VERSIONS_KEPT + 3):
        await shelf.receive(wielding(yunlu, f"bad {number}"))
    assert shelf.refused == 0
    assert shelf.of("990101101200") == yunlu, "kept, however many bad ones came after it unread"
    assert shelf.refused == VERSIONS_KEPT + 1
    assert "power" in (shelf.last_refusal or "")
    assert "990101 at offset 7 is refused, the old one stays" in caplog.text
    assert shelf.known("990101", f"bad {VERSIONS_KEPT + 2}") is None
    assert shelf.of("990101") == yunlu
    assert shelf.refused == VERSIONS_KEPT + 1, "each is refused once"


async def test_a_county_in_use_has_its_next_version_read_and_prepared_before_it_is_in_force(
    yunlu: Playbook, reads: list[str]
) -> None:
    shelf, prepared = PlaybookShelf(), list[tuple[str, str]]()

    async def prepare(playbook: Playbook) -> None:
        prepared.append((playbook.version, shelf.of("990101").version))

    shelf.prepare = prepare
    await shelf.receive(record_of(to_message(yunlu, published_at=NOW)))
    assert (reads, prepared) == ([], []), "nobody uses the county yet"
    assert shelf.of("990101") == yunlu
    second = sealed(replace(yunlu, version="second"))
    await shelf.receive(record_of(to_message(second, published_at=NOW)))
    assert prepared == [("second", yunlu.version)]
    assert len(reads) == 2
    await shelf.receive(wielding(yunlu, "bad"))
    assert str(shelf.refusals["990101"]).startswith("990101 version bad at offset 7: ")
    assert shelf.of("990101") == second, "refused when it comes, not when it is used"


async def test_what_stood_at_one_moment_stays_as_it_was(yunlu: Playbook) -> None:
    shelf = PlaybookShelf()
    await shelf.put(yunlu)
    before = shelf.standing()
    for number in range(VERSIONS_KEPT + 3):
        await shelf.put(replace(yunlu, version=str(number)))
    await shelf.receive(Record(key=b"990101", value=None))
    assert before.of("990101001") is yunlu
    assert before.known("990101", yunlu.version) is yunlu
    assert before.known("990101", "1") is None
    assert shelf.known("990101", yunlu.version) is None
    assert shelf.counties == ()


async def test_a_version_that_proves_unreadable_is_not_known_either(yunlu: Playbook) -> None:
    shelf = PlaybookShelf()
    await shelf.put(yunlu)
    await shelf.receive(wielding(yunlu, "bad"))
    assert shelf.known("990101", "bad") is None
    assert shelf.refused == 1
    assert shelf.of("990101") is yunlu


async def test_a_county_whose_only_record_proves_unreadable_is_unknown_until_a_good_one_comes(yunlu: Playbook) -> None:
    shelf = PlaybookShelf()
    await shelf.receive(wielding(yunlu, "bad"))
    with pytest.raises(UnknownCounty, match="990101"):
        shelf.of("990101")
    assert shelf.counties == ()
    await shelf.receive(wielding(yunlu, "worse"))
    waiting = asyncio.create_task(shelf.wait_for("990101", timeout_seconds=5))
    await asyncio.sleep(0)
    assert not waiting.done()
    await shelf.receive(record_of(to_message(yunlu, published_at=NOW)))
    assert await waiting == yunlu
    assert shelf.refused == 2


async def test_a_record_that_comes_again_is_the_one_in_force(yunlu: Playbook, reads: list[str]) -> None:
    shelf = PlaybookShelf()
    newer = sealed(replace(yunlu, version="2026.11.2"))
    for playbook in (yunlu, newer, yunlu):
        await shelf.receive(record_of(to_message(playbook, published_at=NOW)))
        assert shelf.of("990101").version == playbook.version
    assert reads == ["990101", "990101"], "a roll-back is not read again"


async def test_counties_are_found_around_a_point_without_being_read(yunlu: Playbook, reads: list[str]) -> None:
    shelf = PlaybookShelf()
    await shelf.receive(record_of(to_message(yunlu, published_at=NOW)))
    await shelf.receive(record_of(to_message(moved(yunlu, "990102", east=5), published_at=NOW)))
    await shelf.put(moved(yunlu, "990103", east=10))
    lon, lat = yunlu.cells[0].polygon[0]
    assert shelf.around(lon, lat) == ("990101",)
    assert shelf.around(lon + 5, lat) == ("990102",)
    assert shelf.around(lon + 10, lat) == ("990103",)
    assert shelf.around(lon + 20, lat) == ()
    await shelf.receive(wielding(moved(yunlu, "990101", east=20), "bad"))
    assert shelf.around(lon, lat) == ("990101",), "the new one may be bad, then the old one holds the point"
    assert reads == []


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


def test_a_playbook_is_freed_when_it_is_dropped_without_any_collection(yunlu: Playbook) -> None:
    """It is kept out of collections: a reference cycle in it would never be freed."""
    message = to_message(yunlu, published_at=NOW)
    with held_off():
        assert not gc.isenabled()
        before = len(gc.get_objects())
        back = from_record(message.value, message.headers)
        assert len(gc.get_objects()) - before > len(back.duties)
        del back
        assert len(gc.get_objects()) - before < 100
    assert gc.isenabled()
