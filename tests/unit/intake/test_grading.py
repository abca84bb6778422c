"""How grave a case is, who else has it at once, and what waits for a person."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from services.intake.domain.moves.decide import decide
from services.intake.domain.reading.grading import grade
from services.intake.domain.reading.guessing import NO_OPINION, Opinion
from services.intake.domain.reports.locating import CountyMap
from services.intake.domain.reports.report import Report, opening
from shared.events.case import CaseHandedOver, CaseOpened
from shared.events.parts import Actor
from shared.playbook.model import Emergency, Grading, Policy
from shared.vocabulary import ActorKind, CaseState, EmergencyService, Severity, Source
from tests.fakes.small_county import EAST_VILLAGE, GAS, GAS_LEAK, OTHER, WATER, small_county

POLICY = Policy(
    person_below=0.3,
    emergencies=(
        Emergency(service=EmergencyService.FIRE, words=("着火", "被困"), categories=(GAS,)),
        Emergency(service=EmergencyService.MEDICAL, words=("晕倒", "被困")),
    ),
    gradings=(
        Grading(severity=Severity.II, words=("漏电",)),
        Grading(severity=Severity.III, words=("漏电", "摔伤")),
    ),
)
PLAYBOOK = replace(small_county(version="graded", policy=POLICY))
COUNTY = CountyMap(PLAYBOOK)
NOW = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
IV, III, II, I = Severity.IV, Severity.III, Severity.II, Severity.I  # noqa: E741  the grades' own numerals
FIRE, MEDICAL = EmergencyService.FIRE, EmergencyService.MEDICAL


@pytest.mark.parametrize(
    ("own", "text", "category", "named", "severity", "services"),
    (
        (None, "水很小", WATER, False, IV, []),
        (None, "水很小,有人摔伤", WATER, False, III, []),
        (None, "漏电了", WATER, False, II, []),
        (None, "没有漏电", WATER, False, IV, []),
        (None, "漏电", GAS_LEAK, False, I, []),  # the category is graver than the word
        (III, "漏电了", WATER, False, III, []),  # the sender's own word stands
        (IV, "着火了", WATER, False, I, [FIRE]),  # but not against danger to life
        (None, "有人被困", WATER, False, I, [FIRE, MEDICAL]),
        (None, "没有人员被困", WATER, False, IV, []),
        (None, "三组有情况", GAS_LEAK, True, I, [FIRE]),  # the sender names a category below one that calls
        (None, "三组有情况", GAS_LEAK, False, I, []),  # a guess alone calls nobody
        (None, "三组有情况", WATER, True, IV, []),
    ),
)
def test_a_report_is_graded_by_life_then_its_sender_then_category_and_words(
    own: Severity | None,
    text: str,
    category: str,
    named: bool,
    severity: Severity,
    services: list[EmergencyService],
) -> None:
    graded = grade(own, text, PLAYBOOK.categories[category], policy=POLICY, named=named)
    assert (graded.severity, [one.service for one in graded.handovers]) == (severity, services)
    assert severity.name in graded.why


def opened(text: str, *, opinion: Opinion = NO_OPINION, **changes: object) -> tuple[CaseOpened, list[CaseHandedOver]]:
    report = replace(Report(source=Source.RESIDENT, text=text, area=EAST_VILLAGE), **changes)  # type: ignore[arg-type]
    by = Actor(kind=ActorKind.SOURCE, id="app")
    command = opening(report, report_id=UUID(int=1), by=by, playbook=PLAYBOOK, county=COUNTY, opinion=opinion)
    first, *rest = decide(None, command, NOW)
    assert isinstance(first, CaseOpened)
    return first, [one for one in rest if isinstance(one, CaseHandedOver)]


def test_an_unsure_guess_waits_for_a_person_and_says_what_it_was() -> None:
    first, handed = opened("一切都好")
    assert (first.case.state, first.case.category, handed) == (CaseState.RECEIVED, OTHER, [])
    assert first.guess is not None
    assert first.guess.confidence == 0.0


def test_a_sure_guess_opens_the_case_with_its_words_and_the_second_guess() -> None:
    first, _ = opened("燃气味,像是漏气,井盖边上")
    assert (first.case.state, first.case.category) == (CaseState.OPENED, GAS_LEAK)
    assert first.guess is not None
    assert first.guess.words == ("燃气味", "漏气")
    assert first.guess.second == "01.001"
    assert 0 < first.guess.second_confidence <= first.guess.confidence < 1


def test_a_category_that_the_report_names_is_no_guess_and_never_waits() -> None:
    first, _ = opened("一切都好", category=OTHER)
    assert (first.case.state, first.guess) == (CaseState.OPENED, None)


def test_an_emergency_never_waits_and_is_handed_over_right_behind_its_opening() -> None:
    first, handed = opened("着火了")
    assert (first.case.state, first.case.severity) == (CaseState.OPENED, I)
    assert "着火" in first.severity_why
    (event,) = handed
    assert (event.service, event.words, event.receipt) == (FIRE, ("着火",), None)
    assert event.case.version == first.case.version + 1


def test_a_model_lifts_what_no_word_knows_above_the_threshold() -> None:
    first, _ = opened("马路中间往外喷", opinion=Opinion(shares={WATER: 0.8}, words={WATER: ("喷",)}))
    assert (first.case.state, first.case.category) == (CaseState.OPENED, WATER)
    assert first.guess is not None
    assert (first.guess.confidence, first.guess.words) == (0.8, ("喷",))


def test_what_a_model_reads_in_a_text_leaves_intake_masked() -> None:
    first, _ = opened("喷", opinion=Opinion(shares={WATER: 0.9}, words={WATER: ("13812345678",)}))
    assert "13812345678" not in repr(first)


def test_a_national_code_names_the_category_that_stands_for_it() -> None:
    water = replace(PLAYBOOK.categories[WATER], standard=("01003",))
    playbook = replace(PLAYBOOK, digest="s" * 64, categories={**PLAYBOOK.categories, WATER: water})
    by = Actor(kind=ActorKind.SOURCE, id="app")
    report = Report(source=Source.RESIDENT, text="x", area=EAST_VILLAGE, category="gb.01003")
    command = opening(report, report_id=UUID(int=1), by=by, playbook=playbook, county=COUNTY)
    assert command.category == WATER
    assert "gb.01003" in command.category_why
