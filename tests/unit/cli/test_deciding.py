"""A decision taken once for cases alike is the one that each of them would get."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random

from cli.simulation.deciding import Decider
from cli.simulation.outcome import Outcomes
from services.router.domain.routing import route
from services.router.domain.rulebook import Rulebook
from shared.playbook.model import CaseField, Demand, DepartmentTarget, DutyTarget, FieldTarget, Playbook
from shared.vocabulary import OrderRole
from tests.fakes.random_rules import random_duties, random_facts, random_playbook

SEED = int(os.environ.get("WHISTLE_SEED", "20261121"))
PLAYBOOKS, CASES = 60, 150


def test_an_outcome_remembered_is_that_of_the_plain_route() -> None:
    chance = Random(SEED)
    cases = [random_facts(chance) for _ in range(CASES)]
    seen = set()
    for _ in range(PLAYBOOKS):
        playbook = _with_targets(random_playbook(chance), chance)
        outcomes = Outcomes()
        decider, book = Decider(playbook, outcomes), Rulebook(playbook)
        for facts in cases:
            outcome = decider.outcome(facts)
            assert outcome is outcomes.of(route(facts, book)), (SEED, facts.case)
            seen.add((outcome.reason, outcome.lead.who))
    assert len(seen) > 8, "nothing was told apart"


def _with_targets(playbook: Playbook, chance: Random) -> Playbook:
    """The same rules, asking departments in every way there is."""
    people = random_duties(chance)
    named = FieldTarget(of=CaseField.TAG, table={"a": "a", "b": "c"})
    by_area = FieldTarget(of=CaseField.AREA, table={"990101001": "c", "990101002001009": "d"})
    targets = (
        DutyTarget(),
        DepartmentTarget(department="b"),
        named,
        by_area,
        FieldTarget(of=CaseField.SOURCE, table={"grid": "d"}),
    )
    rules = tuple(
        replace(rule, demands=(*rule.demands, Demand(role=OrderRole.ASSIST, target=chance.choice(targets))))
        if chance.random() < 0.5
        else replace(rule, demands=(Demand(role=OrderRole.LEAD, target=chance.choice(targets)),))
        for rule in playbook.rules
    )
    return replace(
        playbook,
        rules=rules,
        departments=people.departments,
        duties=people.duties,
        enforcement=people.enforcement,
        categories=people.categories,
    )
