"""One open case a warning: what each message does to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.sources.alerts import NO_TIME, Alert, report_of
from services.intake.domain.sources.chains import MOST_NOTES, Chain, Note, Open, Outcome, Says, Stay, next_step
from shared.events.case import NoteKind
from shared.vocabulary import Purpose, Refused, Severity, Source

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
CHAIN = Chain(county="990101", front="alert", reference="a", case_id=UUID(int=1))
ENDED = replace(CHAIN, firing=False)


@pytest.mark.parametrize(
    ("said", "severity", "unknown"),
    (("Critical", Severity.II, ""), (" page ", None, "page"), ("", None, ""), ("x" * 99, None, "x" * 64)),
)
def test_a_severity_that_nobody_knows_is_passed_over_and_kept_in_words(
    said: str, severity: Severity | None, unknown: str
) -> None:
    report = report_of(Alert(labels={"severity": said}), area="990101", now=NOW)
    assert (report.severity, report.severity_unknown) == (severity, unknown)


@pytest.mark.parametrize("says", (Says.FIRES, Says.UPDATES))
def test_a_warning_without_an_open_case_opens_one(says: Says) -> None:
    assert next_step(None, says, ended=True) == Open(round=0)
    assert next_step(CHAIN, says, ended=True) == Open(round=1)


def test_the_end_of_what_nobody_has_open_does_nothing() -> None:
    nothing = Stay(outcome=Outcome.NOTHING_OPEN, after=None)
    assert next_step(None, Says.ENDS, ended=True) == nothing
    assert next_step(CHAIN, Says.ENDS, ended=True) == nothing


@pytest.mark.parametrize(
    ("chain", "says", "graver", "kind", "firing"),
    (
        (CHAIN, Says.ENDS, False, NoteKind.ALERT_RESOLVED, False),
        (ENDED, Says.FIRES, False, NoteKind.ALERT_REPEATED, True),
        (CHAIN, Says.FIRES, True, NoteKind.UPDATED, True),
        (CHAIN, Says.UPDATES, False, NoteKind.UPDATED, True),
        (ENDED, Says.UPDATES, False, NoteKind.UPDATED, True),
    ),
)
def test_what_is_new_is_told_to_the_case(chain: Chain, says: Says, graver: bool, kind: NoteKind, firing: bool) -> None:
    after = replace(chain, firing=firing, notes=1)
    assert next_step(chain, says, ended=False, graver=graver) == Note(kind=kind, after=after)


@pytest.mark.parametrize(("chain", "says"), ((CHAIN, Says.FIRES), (ENDED, Says.ENDS)))
def test_what_is_known_is_not_told_again(chain: Chain, says: Says) -> None:
    assert next_step(chain, says, ended=False) == Stay(outcome=Outcome.KNOWN, after=chain)


@given(st.lists(st.sampled_from(list(Says)), max_size=300))
def test_however_a_warning_flaps_its_case_is_told_so_often_and_not_oftener(messages: list[Says]) -> None:
    chain, told = CHAIN, 0
    for says in messages:
        step = next_step(chain, says, ended=False)
        assert not isinstance(step, Open)
        assert step.after is not None
        chain, told = step.after, told + isinstance(step, Note)
        assert chain.firing is (says is not Says.ENDS)
    assert told <= MOST_NOTES


@given(st.dictionaries(st.text(min_size=1, max_size=5), st.text(min_size=1, max_size=5), min_size=1, max_size=6))
def test_the_same_labels_in_any_order_are_the_same_alert(labels: dict[str, str]) -> None:
    turned = dict(reversed(labels.items()))
    assert Alert(labels=labels).fingerprint == Alert(labels=turned, annotations={"summary": "x"}).fingerprint
    other = labels | {next(iter(labels)): "another value"}
    assert Alert(labels=labels).fingerprint != Alert(labels=other).fingerprint


@pytest.mark.parametrize(
    ("ends", "says"),
    (
        (None, Says.FIRES),
        (NO_TIME, Says.FIRES),
        (NOW + timedelta(minutes=4), Says.FIRES),
        (NOW, Says.ENDS),
        (NOW - timedelta(days=1), Says.ENDS),
    ),
)
def test_an_alert_that_is_to_end_later_still_fires(ends: datetime | None, says: Says) -> None:
    assert Alert(labels={"a": "b"}, ends_at=ends).says(NOW) is says


def test_labels_say_where_what_and_how_grave() -> None:
    labels = {
        "alertname": "水位", "lon": "100.5", "lat": "25.5", "severity": "critical", "category": "03", "drill": "true"
    }  # fmt: skip
    report = report_of(Alert(labels=labels, annotations={"summary": "水位超警"}), area="990101", now=NOW)
    assert (report.source, report.category, report.severity) == (Source.SENSOR, "03", Severity.II)
    assert (report.text, report.tags, report.purpose) == ("水位超警", ("水位",), Purpose.DRILL)
    assert report.place is not None
    assert (report.place.lon, report.place.lat, report.area) == (100.5, 25.5, None)


def test_an_alert_without_words_says_its_labels_and_lies_where_its_sender_is() -> None:
    report = report_of(Alert(labels={"b": "2", "a": "1"}), area="990101", now=NOW)
    assert (report.text, report.area, report.severity) == ("a=1, b=2", "990101", None)


@pytest.mark.parametrize(
    "labels", ({"area": "西村"}, {"lon": "1"}, {"lon": "a", "lat": "b"}, {"lon": "181", "lat": "0"}, {"lat": "nan"})
)
def test_a_label_that_says_no_place_is_named(labels: dict[str, str]) -> None:
    with pytest.raises(Refused) as refusal:
        report_of(Alert(labels=labels), area="990101", now=NOW)
    assert str(refusal.value.field).startswith("labels.")
