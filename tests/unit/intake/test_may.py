"""Role × scope × duty × state × action: who may do what, written down a second time by hand and tried whole."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from services.intake.domain.life.case import Case
from services.intake.domain.life.permissions import Bearer, NotYours, must_act
from services.intake.domain.life.states import ORDER_MOVES, Action
from services.intake.domain.moves.decide import decide
from shared.events.parts import Target
from shared.vocabulary import CaseState, Refused, Role
from tests.fakes.small_county import COUNTY, EAST, EAST_VILLAGE, GAS, GAS_BUREAU, WATER, WEST, WEST_CELLS, WEST_VILLAGE
from tests.unit.intake.cases import BUREAU, CASE_ID, MASTER, NOON, POLICE, VILLAGE_DESK, case_in
from tests.unit.intake.test_states import OF_TWO_CASES, TABLE, command

S = CaseState


def words(text: str) -> frozenset[Action]:
    return frozenset(Action(word) for word in text.split())


NOTHING = words("")
EVERYTHING = frozenset(Action)
ORDERS = words("sign arrive progress resolve return extend appeal")
REPORTERS = words("rate reopen")
# What any desk over the case may.
DESK = words(
    "file refuse recategorise merge split note hand_over verify reject close rate reopen whistle transfer"
    " pause resume approve decline_extension review"
)
BASE = DESK | words("rate_department")
HEAD = words("confirm decline hang")
ABOVE = words("rule supervise")
HOLDER = ORDERS | words("note pause resume")


@dataclass(frozen=True, kw_only=True)
class Row:
    """A key, and what it may do to a case in a cell of the west village.

    ``bureaus`` when the gas bureau (of the county's level) leads it; ``desks`` when the village's desk does,
    or when nobody has been asked yet.
    """

    name: str
    who: Bearer
    bureaus: frozenset[Action]
    desks: frozenset[Action]


def row(name: str, role: Role, area: str, bureaus: frozenset[Action], desks: frozenset[Action], **more: object) -> Row:
    who = Bearer(key_id="k", role=role, area=area, **more)  # type: ignore[arg-type]
    return Row(name=name, who=who, bureaus=bureaus, desks=desks)


ROWS = (
    row("village desk", Role.DESK, WEST_VILLAGE, BASE, BASE | ORDERS | words("release")),
    row("town desk", Role.DESK, WEST, BASE, BASE | ABOVE),
    row("county desk", Role.DESK, COUNTY, DESK | ABOVE | words("release"), DESK | ABOVE),
    row("desk beside", Role.DESK, EAST, NOTHING, NOTHING),
    row("village desk beside", Role.DESK, EAST_VILLAGE, NOTHING, NOTHING),
    row("desk of another county", Role.DESK, "990102", NOTHING, NOTHING),
    row(
        "head of the village",
        Role.LEADER,
        WEST_VILLAGE,
        BASE | HEAD,
        BASE | HEAD | ORDERS | words("release supervise"),
    ),
    row("head of the town", Role.LEADER, WEST, BASE | HEAD, BASE | HEAD | ABOVE),
    row("head of the county", Role.LEADER, COUNTY, DESK | HEAD | ABOVE | words("release"), DESK | HEAD | ABOVE),
    row("head beside", Role.LEADER, EAST, NOTHING, NOTHING),
    row("the bureau", Role.DEPARTMENT, COUNTY, HOLDER, NOTHING, department=GAS_BUREAU),
    row("the bureau in the town", Role.DEPARTMENT, WEST, HOLDER, NOTHING, department=GAS_BUREAU),
    row("another bureau", Role.DEPARTMENT, COUNTY, NOTHING, NOTHING, department="water-bureau"),
    row("that of another county", Role.DEPARTMENT, "990102", NOTHING, NOTHING, department=GAS_BUREAU),
    row("operator", Role.OPERATOR, COUNTY, EVERYTHING, EVERYTHING),
    row("operator of the town", Role.OPERATOR, WEST, EVERYTHING, EVERYTHING),
    row("operator beside", Role.OPERATOR, EAST, NOTHING, NOTHING),
    row("source", Role.SOURCE, COUNTY, REPORTERS | words("note hand_over"), REPORTERS | words("note hand_over")),
    row("source beside", Role.SOURCE, EAST, NOTHING, NOTHING),
    row("reporter", Role.REPORTER, "", REPORTERS | words("note"), REPORTERS | words("note"), case_id=CASE_ID),
    row("reporter of another", Role.REPORTER, "", NOTHING, NOTHING, case_id=MASTER),
    row("reporter of nothing", Role.REPORTER, COUNTY, NOTHING, NOTHING),
    row("grid worker", Role.GRID_WORKER, WEST_CELLS[0], words("note"), words("note arrive progress")),
    row("grid worker of the village", Role.GRID_WORKER, WEST_VILLAGE, words("note"), words("note arrive progress")),
    row("grid worker next door", Role.GRID_WORKER, WEST_CELLS[1], NOTHING, NOTHING),
    row("grid worker elsewhere", Role.GRID_WORKER, EAST_VILLAGE, NOTHING, NOTHING),
    row("auditor", Role.AUDITOR, COUNTY, NOTHING, NOTHING),
)

# Without an order nobody holds one, is released from one or is rated for one.
OF_AN_ORDER = ORDERS | words("release rate_department")
STANDS = {S.ROUTED, S.SIGNED, S.ARRIVED, S.IN_PROGRESS, S.PAUSED, S.HUNG, S.RESOLVED, S.VERIFIED, S.CLOSED}


def may(one: Row, lead: Target, state: CaseState) -> frozenset[Action]:
    """What the key may do in that state, whether it is open then or not."""
    role, nobody_asked = one.who.role, state in {S.RECEIVED, S.OPENED}
    found = one.desks if nobody_asked or lead == VILLAGE_DESK else one.bureaus
    if role is Role.OPERATOR:
        return found
    if nobody_asked:
        found -= OF_AN_ORDER
    if state not in STANDS:
        found -= words("release")
    if role is Role.DEPARTMENT and (state not in STANDS or state is S.HUNG):
        found -= words("pause resume")
    if role is Role.DESK and state is S.HUNG:
        found -= words("resume")
    return found


def outcome(who: Bearer, action: Action, case: Case) -> str:
    order = case.orders[0] if case.orders and action in ORDER_MOVES else None
    try:
        must_act(who, action, case, order)
    except NotYours as refused:
        return "not theirs" if refused.allowed else "refused without saying who may"
    if action in OF_TWO_CASES:
        return "done" if action in TABLE[case.view.state] else "not open"
    asked: Any = command(case, action)
    asked = replace(asked, to=POLICE) if action in {Action.TRANSFER, Action.RULE} else asked
    try:
        events = decide(case, replace(asked, by=who.actor), NOON)
    except Refused:
        return "not open"
    assert all(event.by.key_id in {"k", None} for event in events), "every fact says who"
    assert events[-1].by == who.actor
    return "done"


@pytest.mark.parametrize("lead", (BUREAU, VILLAGE_DESK), ids=("bureau leads", "village leads"))
@pytest.mark.parametrize("one", ROWS, ids=lambda one: one.name)
def test_in_every_state_every_key_may_what_is_written_here_and_nothing_else(one: Row, lead: Target) -> None:
    for state in CaseState:
        case, theirs = case_in(state, lead), may(one, lead, state)
        is_open = {Action(action) for action in TABLE[state]}
        if lead == BUREAU and state in {S.RESOLVED, S.VERIFIED, S.CLOSED}:
            is_open.add(Action.RATE_DEPARTMENT)
        for action in Action:
            expected = "not theirs" if action not in theirs else "done" if action in is_open else "not open"
            assert outcome(one.who, action, case) == expected, (state, action)


@pytest.mark.parametrize("one", ROWS, ids=lambda one: one.name)
def test_a_key_for_other_duties_may_nothing_and_one_for_these_no_less(one: Row) -> None:
    within, without = replace(one.who, duties=(WATER, GAS)), replace(one.who, duties=(WATER, "03.00"))
    for state in CaseState:
        case = case_in(state, BUREAU)
        for action in Action:
            assert outcome(without, action, case) == "not theirs", (state, action)
            assert outcome(within, action, case) == outcome(one.who, action, case), (state, action)
