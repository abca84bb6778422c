"""Nothing is said to be impossible that can happen: advice on random rules against the router's walk over cases."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from itertools import permutations
from random import Random

import pytest

from services.router.domain.almanac import UNKNOWN, window_holds
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from shared.playbook.check.advice.advice import Subject
from shared.playbook.check.advice.asked import Terrain, asked_of, both, implies, impossible
from shared.playbook.check.advice.duties import advise_duties
from shared.playbook.check.advice.rules import advise_rules
from shared.playbook.check.advice.windows import moments
from shared.playbook.model import DayKind, DutyTarget, Playbook, RuleState
from tests.fakes.random_rules import (
    FIELDS,
    TODAY,
    ZONE,
    random_duties,
    random_facts,
    random_playbook,
    random_window,
)
from tests.fakes.router import a_case
from tests.fakes.small_county import EAST_VILLAGE, WEST_VILLAGE

SEED = int(os.environ.get("WHISTLE_SEED", "20261121"))
PLAYBOOKS = 240
CASES = 120


def test_a_rule_said_never_to_match_or_to_be_shadowed_never_matches() -> None:
    chance = Random(SEED)
    cases = [random_facts(chance) for _ in range(CASES)]
    said: Counter[Subject] = Counter()
    for number in range(PLAYBOOKS):
        playbook = random_playbook(chance)
        silent = {
            str(playbook.rules[int(advice.item)].id): advice
            for advice in advise_rules(playbook, today=TODAY)
            if advice.subject in {Subject.NEVER_MATCHES, Subject.SHADOWED, Subject.DATES}
        }
        said.update(advice.subject for advice in silent.values())
        book = Rulebook(playbook)
        for facts in cases:
            walk = book.walk(facts)
            acted = {match.rule.id for match in walk.matches} | {shadow.rule.id for shadow in walk.shadows}
            wrong = acted & silent.keys()
            assert not wrong, (SEED, number, facts.case, [silent[rule] for rule in wrong], playbook.rules)
    # Were nothing ever said, nothing would have been tried.
    assert min(said[Subject.NEVER_MATCHES], said[Subject.SHADOWED], said[Subject.DATES]) > PLAYBOOKS / 10, said


@pytest.mark.parametrize("field", (None, *FIELDS))
def test_what_is_said_to_cover_another_holds_whenever_it_holds(field: str | None) -> None:
    chance = Random(f"{SEED} {field}")
    cases = [random_facts(chance) for _ in range(CASES)]
    compared = 0
    for number in range(PLAYBOOKS // 10):
        playbook = random_playbook(chance, only=field)
        holding = _holding(playbook, cases)
        terrain = Terrain(playbook)
        asked = [asked_of(rule, terrain, today=TODAY) for rule in playbook.rules]
        on = [index for index, rule in enumerate(playbook.rules) if rule.state is not RuleState.OFF]
        on = [index for index in on if impossible(asked[index], terrain) is None]
        for i, j in permutations(on, 2):
            if implies(asked[i], asked[j], terrain):
                assert holding[i] <= holding[j], (SEED, number, playbook.rules[i], playbook.rules[j])
            elif impossible(both(asked[i], asked[j]), terrain) is None:
                continue
            else:
                assert not holding[i] & holding[j], (SEED, number, playbook.rules[i], playbook.rules[j])
            compared += 1
    assert compared > PLAYBOOKS / 10


def test_the_moments_of_windows_are_those_in_which_the_router_finds_them_open() -> None:
    chance = Random(SEED)
    almanac = Rulebook(random_playbook(chance)).senses.almanac
    instants = [random_facts(chance).at for _ in range(CASES)]
    kinds = (DayKind.WORKDAY, DayKind.DAY_OFF, DayKind.HOLIDAY, UNKNOWN)
    seen = set()
    for _ in range(PLAYBOOKS):
        windows = (random_window(chance), random_window(chance))
        bits = moments(windows)
        for at in instants:
            slot, minute = almanac.slot(at), at.astimezone(ZONE).hour * 60 + at.astimezone(ZONE).minute
            exact = slot._replace(starts=minute, ends=minute + 1)
            day = ((slot.weekday - 1) * 4 + kinds.index(slot.today)) * 4 + kinds.index(slot.yesterday)
            found = bool(bits >> (day * 24 * 60 + minute) & 1)
            assert found == any(window_holds(window, exact) for window in windows), (windows, at)
            seen.add((slot.today, found))
    assert len(seen) == 2 * len(kinds)


def test_a_duty_is_said_to_be_contested_or_nobodys_exactly_where_the_router_asks_for_a_ruling() -> None:
    chance = Random(SEED)
    seen: Counter[int] = Counter()
    for _ in range(PLAYBOOKS):
        playbook = random_duties(chance)
        told = {(advice.item, advice.subject): advice.what for advice in advise_duties(playbook)}
        directory = Rulebook(playbook).directory
        for category in playbook.categories.values():
            rivals = Counter[int]()
            for village in (WEST_VILLAGE, EAST_VILLAGE):
                facts = Facts.of(a_case(village, category.code))
                contested = directory.contested(DutyTarget(), facts)
                rivals[len(contested) or -int(directory.is_unclear(DutyTarget(), facts))] += 1
            assert ((category.code, Subject.NO_DUTY) in told) == bool(rivals[-1])
            assert ((category.code, Subject.CONTESTED_DUTY) in told) == any(count > 1 for count in rivals)
            seen.update(rivals)
    assert min(seen[-1], seen[0], seen[2]) > PLAYBOOKS / 10


def _holding(playbook: Playbook, cases: Sequence[Facts]) -> list[set[int]]:
    """Return the cases that each rule takes by itself; a rule that is off takes none here."""
    book = Rulebook(playbook)
    holding: list[set[int]] = [set() for _ in playbook.rules]
    for compiled in book.rules:
        holding[compiled.order] = {
            number
            for number, facts in enumerate(cases)
            if compiled.rule.in_force_on(book.senses.almanac.local_day(facts.at))
            and all(criterion.holds(facts) for criterion in compiled.criteria)
        }
    return holding
