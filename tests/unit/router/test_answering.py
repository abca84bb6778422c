"""What holds for every answer: who is on duty stands on the order, and what no order can say is counted."""

from datetime import time

import pytest

from services.router.domain.answering import answer
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from services.router.handlers import route_batch
from shared.events.case import CaseWhistled
from shared.events.parts import Actor
from shared.playbook.model import Officer, Roster, Shift
from shared.vocabulary import ActorKind, OrderRole
from tests.fakes.joint_county import COUNTY_DESK, TOWN_DESK, VILLAGE_DESK, WHISTLE, joint_book, standing, west_case
from tests.fakes.router import NOW, OneRulebook, event, record
from tests.fakes.small_county import WEST_VILLAGE

EVERY_DAY = tuple(range(1, 8))
ROSTER = Roster(
    officers={one: Officer(id=one, name=one, phone="0") for one in ("day", "night")},
    shifts=(
        Shift(owner="police", weekdays=EVERY_DAY, opens=time(8), closes=time(20), officers=("day",)),
        Shift(owner="police", weekdays=EVERY_DAY, opens=time(20), closes=time(8), officers=("night",)),
    ),
)


@pytest.fixture(scope="module")
def joint() -> Rulebook:
    return joint_book(roster=ROSTER)


def whistled(*called: str, busy: bool = False) -> CaseWhistled:
    stands = (standing(VILLAGE_DESK), standing(TOWN_DESK, OrderRole.ASSIST), standing(COUNTY_DESK, OrderRole.ASSIST))
    by = Actor(kind=ActorKind.DESK, id=WEST_VILLAGE)
    return CaseWhistled(
        case=west_case(), by=by, whistle=WHISTLE, departments=called, reason="急", standing=stands if busy else ()
    )


@pytest.mark.parametrize(("hour_utc", "officer"), ((4, "day"), (14, "night")))
def test_an_order_names_who_is_on_duty_at_the_events_own_time(joint: Rulebook, hour_utc: int, officer: str) -> None:
    sounded = whistled("police", "gas-bureau")
    police, bureau = answer(sounded, Facts.of(sounded.case, at=NOW.replace(hour=hour_utc)), joint).orders
    assert (police.on_duty, bureau.on_duty) == ((officer,), ())


async def test_what_no_order_can_say_is_counted_and_logged(joint: Rulebook, caplog: pytest.LogCaptureFixture) -> None:
    records = [record(event(whistled("nobody", busy=True))), record(event(whistled("police")))]
    routed = await route_batch(records, rulebooks=OneRulebook(joint), now=NOW)
    assert (routed.tallies.unsaid, len(routed.messages)) == (1, 1)
    (said,) = caplog.records
    assert "没有叫到部门" in said.__dict__["why"]
