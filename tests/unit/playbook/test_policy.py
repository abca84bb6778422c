"""What a county decides of the life of a case: read as written, refused where mistyped, old records still read."""

import gzip
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from shared.playbook.check import check
from shared.playbook.digest import digest_of
from shared.playbook.load import load
from shared.playbook.model import Emergency, Merging, Neighbour, PauseReason, Playbook, Policy, Retention, Text
from shared.playbook.problems import BadPlaybook, Problem
from shared.playbook.record import ENCODING, content_of, from_record, to_message
from shared.vocabulary import EmergencyService, Severity, Source
from tests.fakes.tiny_playbook import TINY, write_tiny

TODAY = date(2026, 6, 1)
POLICY = """\
policy:
  person_below: 0.4
  reply_required: [hotline]
  merging: {metres: 150, sure: 0.9, unsure: 0.5}
  retention: {reporter_days: 730}
  pause_reasons:
    - {id: weather, zh: 天气, en: Weather, days: 7}
    - {id: law, zh: 诉讼, en: Court}
  emergencies:
    - {service: "119", words: [起火], categories: ["03.001"]}
  gradings:
    - {severity: II, words: [漏电]}
  neighbours:
    - {county: "990198", zh: 邻县, en: Next County, phone: "0990-1"}
"""
LAST = "timezone: Asia/Shanghai\n"
HEADER_LINES = TINY["playbook.yaml"].count("\n")


def problems(folder: Path, policy: str) -> tuple[Problem, ...]:
    write_tiny(folder, playbook=(LAST, LAST + policy))
    with pytest.raises(BadPlaybook) as bad:
        load(folder, today=TODAY)
    return bad.value.problems


def test_a_policy_is_read_as_it_is_written(tmp_path: Path) -> None:
    write_tiny(tmp_path, playbook=(LAST, LAST + POLICY))
    policy = load(tmp_path, today=TODAY).policy
    assert policy.person_below == 0.4
    assert policy.reply_required == (Source.HOTLINE,)
    assert policy.merging == Merging(metres=150, sure=0.9, unsure=0.5)
    assert policy.retention == Retention(reporter_days=730)
    assert policy.pause_reasons == (
        PauseReason(id="weather", name=Text(zh="天气", en="Weather"), days=7),
        PauseReason(id="law", name=Text(zh="诉讼", en="Court")),
    )
    assert policy.emergencies == (Emergency(service=EmergencyService.FIRE, words=("起火",), categories=("03.001",)),)
    assert [(one.severity, one.words) for one in policy.gradings] == [(Severity.II, ("漏电",))]
    assert policy.neighbours == (Neighbour(county="990198", name=Text(zh="邻县", en="Next County"), phone="0990-1"),)


def test_a_county_that_says_nothing_keeps_every_default(tmp_path: Path) -> None:
    write_tiny(tmp_path)
    assert load(tmp_path, today=TODAY).policy == Policy()


SLIPS = [
    ("person_below: 0.4", "person_below: 40", 2, "policy.person_below", "less than or equal to 1"),
    ("[hotline]", "[hotlin]", 3, "policy.reply_required.0", "did you mean 'hotline'"),
    ("[hotline]", "[hotline, hotline]", 3, "policy.reply_required.1", "stands twice"),
    ("metres: 150", "meters: 150", 4, "policy.merging.meters", "did you mean 'metres'"),
    ("metres: 150", "metres: 0", 4, "policy.merging.metres", "greater than or equal to 1"),
    ("unsure: 0.5", "unsure: 0.95", 4, "policy.merging.unsure", "above sure"),
    ("reporter_days: 730", "reporter_days: 0", 5, "policy.retention.reporter_days", "greater than or equal to 1"),
    ("id: law", "id: weather", 8, "policy.pause_reasons.1.id", "stands twice"),
    ("Weather, days: 7", "Weather, days: never", 7, "policy.pause_reasons.0.days", "valid integer"),
    ('service: "119"', 'service: "911"', 10, "policy.emergencies.0.service", "'911' is not known"),
    ('["03.001"]', '["03.002"]', 10, "policy.emergencies.0.categories.0", "no category '03.002'"),
    ("words: [起火]", "words: []", 10, "policy.emergencies.0.words", "at least 1"),
    ("severity: II", "severity: V", 12, "policy.gradings.0.severity", "no severity"),
    ('county: "990198"', 'county: "990199"', 14, "policy.neighbours.0.county", "this county itself"),
    ('county: "990198"', 'county: "99"', 14, "policy.neighbours.0.county", "wrong form"),
    ('phone: "0990-1"', 'phone: "ring me"', 14, "policy.neighbours.0.phone", "wrong form"),
]


@pytest.mark.parametrize(("old", "new", "line", "field", "words"), SLIPS, ids=[slip[1] for slip in SLIPS])
def test_a_slip_in_the_policy_is_told_with_line_and_field(
    tmp_path: Path, old: str, new: str, line: int, field: str, words: str
) -> None:
    found = problems(tmp_path, POLICY.replace(old, new, 1))
    assert [(one.file, one.line, one.field) for one in found] == [("playbook.yaml", HEADER_LINES + line, field)]
    assert words in found[0].problem


def test_what_a_source_may_be_is_named(tmp_path: Path) -> None:
    (found,) = problems(tmp_path, POLICY.replace("[hotline]", "[hotlin]"))
    assert set(found.allowed) == {source.value for source in Source}


def test_a_record_from_before_these_fields_still_reads(yunlu: Playbook) -> None:
    content = content_of(yunlu)
    content["policy"] = {"returns_allowed": 3, "reopen_hours": 48}
    for category in content["categories"].values():
        del category["standard"]
    content["digest"] = digest_of(content)
    message = to_message(replace(yunlu, digest=content["digest"]), published_at=datetime(2026, 11, 21, tzinfo=UTC))
    event = json.loads(gzip.decompress(message.value or b""))
    event["content"] = content
    plain = [header for header in message.headers if header != ENCODING]
    old = from_record(json.dumps(event, ensure_ascii=False).encode(), plain)
    assert old.policy == Policy(returns_allowed=3, reopen_hours=48)
    assert old.digest == content["digest"]
    assert all(category.local for category in old.categories.values())


def test_a_code_of_the_national_catalogue_is_one_categorys(yunlu: Playbook) -> None:
    twice = replace(yunlu.categories["05.001"], standard=("06013",))
    findings = check(replace(yunlu, categories={**yunlu.categories, "05.001": twice}))
    assert [str(finding) for finding in findings] == ["categories[05.001].standard.0: 06013 is 04.002 already"]


def test_the_demo_county_keeps_national_and_local_matters_apart(yunlu: Playbook) -> None:
    assert not yunlu.categories["01.006"].local
    assert yunlu.categories["09.004"].local
