"""``whistle dead-letter`` on a real broker: what was set aside is found, shown, and sent again once."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Sequence

import pytest

from cli.__main__ import run
from deploy.local.loops import in_own_loop
from shared.events.codec import Message
from shared.events.topics import DEAD_LETTER, INBOUND
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher, Record, Rejected, dead_letter
from shared.runtime.delivery.dead_letter import truncated
from tests.integration.runtime.worlds import KafkaWorld

Whistle = Callable[..., tuple[int, list[dict[str, object]], str]]


@pytest.fixture
def whistle(kafka: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Whistle:
    """Run a command with --json; return its exit status, its values and what it said."""
    monkeypatch.setenv("WHISTLE_KAFKA", kafka)

    def call(*arguments: str) -> tuple[int, list[dict[str, object]], str]:
        capsys.readouterr()
        status = run(["dead-letter", *arguments, "--json"])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return status, [json.loads(line) for line in said.out.splitlines()], said.err

    return call


def published(kafka: str, messages: Sequence[Message]) -> None:
    async def publish() -> None:
        publisher = Publisher(kafka, client_id="test")
        await publisher.publish(messages)
        await publisher.stop()

    in_own_loop(publish)


def set_aside(kafka: str, mark: str, count: int, *, service: str = "tester", value: bytes = b"") -> list[Record]:
    """So many letters of records that never lay anywhere; ``mark`` is in their reason."""
    records = [
        Record(
            INBOUND.name,
            n % 3,
            1000 + n,
            f"{mark}-{n}".encode(),
            value or b"\xff\x00" + bytes([n]),
            (("ce_id", b"1"),),
            0,
        )
        for n in range(count)
    ]
    letters = [
        dead_letter(Rejected(record=record, reason=f"{mark} number {n}"), service=service, now=utc_now())
        for n, record in enumerate(records)
    ]
    published(kafka, letters)
    return records


def arrived(kafka: str, mark: str) -> list[Record]:
    """What lies on the inbound topic with keys of ``mark``."""
    found = in_own_loop(lambda: KafkaWorld(kafka, partitions=INBOUND.partitions).read(INBOUND.name))
    return [record for record in found if (record.key or b"").startswith(mark.encode())]


@pytest.fixture
def mark() -> str:
    return f"mark{uuid.uuid4().hex[:8]}"


def test_letters_are_listed_by_filter_newest_last(kafka: str, whistle: Whistle, mark: str) -> None:
    set_aside(kafka, mark, 5)
    set_aside(kafka, mark, 2, service="other")
    status, found, _ = whistle("list", "--reason", mark.upper(), "--since", "1h", "--service", "tester")
    assert status == 0
    assert len(found) == 5
    assert [one["at"] for one in found] == sorted(str(one["at"]) for one in found)
    assert {one["topic"] for one in found} == {INBOUND.name}
    _, found, _ = whistle("list", "--reason", mark, "--limit", "3")
    assert [one["service"] for one in found][-2:] == ["other", "other"]
    assert len(found) == 3
    _, found, _ = whistle("list", "--reason", mark, "--topic", "whistle.case.v1")
    assert found == []
    _, found, _ = whistle("list", "--reason", mark, "--since", "2031-01-01T00:00Z")
    assert found == []


def test_one_letter_is_shown_whole_with_personal_numbers_masked(kafka: str, whistle: Whistle, mark: str) -> None:
    value = {
        "text": f"{mark} 联系电话13812345678",
        "area": "990101001001",
        "deep": [{"text": "身份证110101199003074514"}],
    }
    set_aside(kafka, mark, 1, value=json.dumps(value).encode())
    (letter,) = whistle("list", "--reason", mark)[1]
    status, (shown,), _ = whistle("show", str(letter["place"]))
    assert status == 0
    assert shown["reason"] == f"{mark} number 0"
    assert (shown["partition"], shown["offset"]) == (0, 1000)
    assert shown["headers"] == {"ce_id": "1"}
    assert isinstance(shown["value"], dict)
    assert shown["value"]["area"] == "990101001001"
    assert "13812345678" not in json.dumps(shown)
    assert "199003074514" not in json.dumps(shown)
    assert mark in shown["value"]["text"]


def test_a_letter_goes_again_as_it_was_and_once(kafka: str, whistle: Whistle, mark: str) -> None:
    records = set_aside(kafka, mark, 4)
    status, plan, _ = whistle("replay", "--reason", mark, "--dry-run")
    assert (status, [one["outcome"] for one in plan]) == (0, ["would be sent"] * 4)
    assert arrived(kafka, mark) == []
    (first, *_) = plan
    assert whistle("replay", str(first["place"]))[0] == 0
    status, outcomes, _ = whistle("replay", "--reason", mark, "--since", "1h")
    assert status == 0
    assert [one["outcome"] for one in outcomes] == ["sent"] * 3
    again = arrived(kafka, mark)
    assert sorted((one.key, one.value) for one in again) == sorted((one.key, one.value) for one in records)
    places = {str(one["place"]) for one in plan}
    for one in again:
        *own, (name, place) = one.headers
        assert own == [("ce_id", b"1")]
        assert name == "dead-letter-replay-of"
        topic, _, at = place.decode().partition("/")
        assert topic == DEAD_LETTER.name
        places.remove(at)
    assert {one["replayed"] for one in whistle("list", "--reason", mark)[1]} == {True}
    assert whistle("show", str(first["place"]))[1][0]["replayed"] is True


def test_again_sends_what_was_sent_before(kafka: str, whistle: Whistle, mark: str) -> None:
    set_aside(kafka, mark, 1)
    assert whistle("replay", "--reason", mark)[0] == 0
    status, outcomes, told = whistle("replay", "--reason", mark)
    assert (status, outcomes) == (0, [])
    assert "1 that fit were sent again before" in told
    assert whistle("replay", "--reason", mark, "--again")[1][0]["outcome"] == "sent"
    assert len(arrived(kafka, mark)) == 2


def test_one_run_after_another_comes_to_the_end_oldest_first(kafka: str, whistle: Whistle, mark: str) -> None:
    set_aside(kafka, mark, 5)
    sent = [whistle("replay", "--reason", mark, "--limit", "2")[1] for _ in range(4)]
    assert [len(outcomes) for outcomes in sent] == [2, 2, 1, 0]
    times = [str(one["at"]) for outcomes in sent for one in outcomes]
    assert times == sorted(times)
    assert len(arrived(kafka, mark)) == 5


def test_letters_go_again_in_their_old_order(kafka: str, whistle: Whistle, mark: str) -> None:
    records = [Record(INBOUND.name, 0, n, mark.encode(), str(n).encode(), (), 0) for n in range(250)]
    letters = [dead_letter(Rejected(record=r, reason=mark), service="tester", now=utc_now()) for r in records]
    published(kafka, letters)
    assert whistle("replay", "--reason", mark)[0] == 0
    assert [int(one.value or b"") for one in arrived(kafka, mark)] == [*range(250)]


def test_a_letter_without_its_bytes_is_not_sent_and_says_where_they_are(
    kafka: str, whistle: Whistle, mark: str
) -> None:
    record = Record(INBOUND.name, 2, 77, mark.encode(), b"large", (), 0)
    published(kafka, [truncated(dead_letter(Rejected(record=record, reason=mark), service="tester", now=utc_now()))])
    status, (outcome,), _ = whistle("replay", "--reason", mark)
    assert status == 1
    assert "too large to keep: read whistle.inbound.v1/2 at offset 77" in str(outcome["outcome"])
    assert arrived(kafka, mark) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    (
        (("show", "3-17"), "PARTITION@OFFSET"),
        (("show", "99@0"), "no partition 99"),
        (("show", "0@99999999"), "holds offsets"),
        (("replay",), "neither a place nor a filter"),
        (("list", "--since", "yesterday"), "is no duration"),
        (("list", "--since", "2026-13-01"), "is no time"),
        (("list", "--kafka", "127.0.0.1:1"), "does not answer"),
    ),
)
def test_every_failure_says_what_why_and_how_to_mend_it(
    whistle: Whistle, arguments: tuple[str, ...], said: str
) -> None:
    status, _, err = whistle(*arguments)
    assert status in {1, 2}
    assert said in err
    assert "mend" in err


def test_a_table_is_for_people(
    kafka: str, mark: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WHISTLE_KAFKA", kafka)
    set_aside(kafka, mark, 2)
    began = time.monotonic()
    assert run(["dead-letter", "list", "--reason", mark]) == 0
    assert time.monotonic() - began < 30
    said = capsys.readouterr()
    assert said.out.count(mark) == 2
    assert "tester" in said.out
    assert "whistle dead-letter show" in said.err
