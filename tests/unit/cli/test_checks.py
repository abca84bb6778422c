"""The doctor's judgements, on made figures."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from aiokafka import TopicPartition

from cli.checks.finding import Grade
from cli.checks.http import check_canary, check_metrics, check_skew
from cli.checks.kafka import Cluster, check_dead_letters, check_groups, check_playbooks, check_topics
from cli.checks.modes import judged
from cli.dead_letters import NONE, Found, Letter
from deploy.local.playbooks import load_playbook
from shared.events.topics import CASE, DEAD_LETTER, TOPICS
from shared.playbook.record import sealed, to_message
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.delivery import Record, Rejected, dead_letter, origin

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)
GOOD = {topic.name: topic.partitions for topic in TOPICS}
CASE_0 = TopicPartition(CASE.name, 0)


def cluster(*, committed: int = 10, end: int = 10) -> Cluster:
    return Cluster(
        partitions=GOOD,
        begins={CASE_0: 0},
        ends={CASE_0: end},
        committed={"whistle-router": {CASE_0: committed}},
        dead=NONE,
    )


def test_topics_as_in_the_catalogue_are_fine() -> None:
    (finding,) = check_topics(GOOD)
    assert finding.grade is Grade.FINE


def test_a_missing_topic_is_named() -> None:
    (finding,) = check_topics({name: count for name, count in GOOD.items() if name != CASE.name})
    assert finding.grade is Grade.BROKEN
    assert CASE.name in finding.what


def test_another_partition_count_is_worth_a_look() -> None:
    (finding,) = check_topics(GOOD | {CASE.name: 3})
    assert finding.grade is Grade.LOOK
    assert f"{CASE.name} has 3, not {CASE.partitions}" in finding.what


@pytest.mark.parametrize(("end", "grade"), ((10, Grade.FINE), (1010, Grade.FINE), (1011, Grade.LOOK)))
def test_a_group_far_behind_is_worth_a_look(end: int, grade: Grade) -> None:
    (finding,) = check_groups(cluster(end=end))
    assert (finding.grade, finding.name) == (grade, "group whistle-router")
    assert f"{end - 10} records behind" in finding.what


def test_a_commit_beyond_the_end_is_no_negative_lag() -> None:
    (finding,) = check_groups(cluster(committed=20, end=10))
    assert "0 records behind" in finding.what


def test_no_dead_letter_is_fine() -> None:
    assert check_dead_letters(NONE, now=NOW).grade is Grade.FINE


def test_dead_letters_that_were_sent_again_are_fine() -> None:
    finding = check_dead_letters(Found(letters=[letter(0, replayed=True)], fitting=1, replayed=1, unread=0), now=NOW)
    assert (finding.grade, finding.what) == (Grade.FINE, "1 were sent again")


def letter(offset: int, *, replayed: bool = False) -> Letter:
    record = Record(CASE.name, 3, 77, b"k", b"v", (), 0)
    message = dead_letter(Rejected(record=record, reason="missing header ce_type"), service="router", now=NOW)
    dead = Record(DEAD_LETTER.name, 0, offset, b"k", b"v", message.headers, 0)
    return Letter(record=dead, origin=origin(dead), replayed=replayed)


def test_a_dead_letter_says_why_and_where_from() -> None:
    finding = check_dead_letters(
        Found(letters=[letter(4), letter(5, replayed=True)], fitting=2, replayed=1, unread=0), now=NOW
    )
    assert finding.grade is Grade.LOOK
    assert finding.what == "1 record was set aside, 1 of them in the last hour; 1 were sent again"
    assert finding.why == f"the last, by router from {CASE.name}/3@77: missing header ce_type"
    assert "whistle dead-letter show 0@4" in finding.mend


def test_old_dead_letters_are_not_said_to_be_growing() -> None:
    found = Found(letters=[letter(4)], fitting=1, replayed=0, unread=0)
    assert check_dead_letters(found, now=NOW + timedelta(hours=2)).what == "1 record was set aside"


@pytest.mark.parametrize(
    ("off", "grade"),
    (
        (timedelta(seconds=0), Grade.FINE),
        (timedelta(seconds=-3), Grade.FINE),
        (timedelta(seconds=5), Grade.LOOK),
        (timedelta(seconds=-6), Grade.LOOK),
        (timedelta(hours=8), Grade.BROKEN),
    ),
)
def test_clocks_that_differ_are_said(off: timedelta, grade: Grade) -> None:
    date = format_datetime(NOW + off, usegmt=True)
    finding = check_skew("intake", date, NOW, NOW + timedelta(milliseconds=20))
    assert finding.grade is grade


def test_a_slow_answer_is_no_skew() -> None:
    date = format_datetime(NOW + timedelta(seconds=10), usegmt=True)
    assert check_skew("intake", date, NOW, NOW + timedelta(seconds=20)).grade is Grade.FINE


def test_an_answer_without_a_date_is_skipped() -> None:
    assert check_skew("intake", None, NOW, NOW).grade is Grade.SKIPPED


def test_lag_and_outbox_come_from_the_metrics() -> None:
    text = (
        '# TYPE whistle_intake_lag_records gauge\nwhistle_intake_lag_records{loop="fold"} 900\n'
        'whistle_intake_lag_records{loop="inbound"} 200\n'
        "# TYPE whistle_intake_outbox_rows gauge\nwhistle_intake_outbox_rows 5000\n"
    )
    findings = {finding.name: finding for finding in check_metrics("intake", text)}
    assert findings["intake lag"].what == "1100 records behind"
    assert findings["intake outbox"].what == "5000 messages wait for Kafka"
    assert {finding.grade for finding in findings.values()} == {Grade.LOOK}


def test_a_service_that_stands_still_for_its_dead_letters_is_broken() -> None:
    text = "# HELP whistle_router_too_many_rejected x\n# TYPE whistle_router_too_many_rejected gauge\n"
    fine = check_metrics("router", text + "whistle_router_too_many_rejected 0.0\n")
    assert {finding.grade for finding in fine} == {Grade.FINE}
    first, *_ = check_metrics("router", text + "whistle_router_too_many_rejected 1.0\n")
    assert first.grade is Grade.BROKEN
    assert "too many records" in first.what


async def test_a_refused_playbook_is_said_with_its_county_version_and_reason() -> None:
    shelf = PlaybookShelf()
    good = load_playbook()
    bad = to_message(sealed(replace(good, version="next", categories={})), published_at=NOW)
    for message in (to_message(good, published_at=NOW), bad):
        await shelf.receive(Record(message.topic, 0, 41, message.key, message.value, message.headers, 0))
    finding = check_playbooks(shelf)
    assert finding.grade is Grade.LOOK
    assert f"version {good.version}" in finding.what
    assert "990101 version next at offset 41: " in finding.why
    assert "categor" in finding.why
    await shelf.put(good)
    assert check_playbooks(shelf).grade is Grade.FINE


@pytest.mark.parametrize(
    ("age", "grade"),
    ((timedelta(seconds=20), Grade.FINE), (timedelta(minutes=3), Grade.FINE), (timedelta(minutes=4), Grade.LOOK)),
)
def test_a_canary_that_stays_away_is_worth_a_look(age: timedelta, grade: Grade) -> None:
    finding = check_canary(age)
    assert finding.grade is grade
    assert f"{int(age.total_seconds())} s" in finding.what


def test_the_age_of_the_canary_comes_from_the_metrics() -> None:
    name = "whistle_notifier_canary_opened_timestamp_seconds"
    text = f"# TYPE {name} gauge\n{name} 1000\n"
    findings = {finding.name: finding for finding in check_metrics("notifier", text)}
    assert findings["canary"].grade is Grade.LOOK


def in_force(kind: str) -> dict[str, Any]:
    title = {"zh": "防汛二级", "en": "Flood II"}
    return {"area": "990101", "mode": "flood-2", "kind": kind, "title": title, "changed_at": NOW.isoformat()}


def test_a_drill_that_nobody_has_left_is_worth_a_look() -> None:
    drill, emergency = judged([in_force("drill"), in_force("emergency")])
    assert (drill.grade, emergency.grade) == (Grade.LOOK, Grade.FINE)
    assert "whistle mode leave 990101" in drill.mend
    assert "flood-2" in emergency.what
    (finding,) = judged([])
    assert (finding.grade, finding.what) == (Grade.FINE, "normal everywhere")
