"""A case's own state may say that nobody is asked: not filed yet, held, or ended before the event came."""

from dataclasses import replace

import pytest

from services.router.domain.answering import answer
from services.router.domain.facts import Facts
from services.router.domain.left import Left
from services.router.domain.rulebook import Rulebook
from services.router.handlers import route_batch
from services.router.metrics import Metrics
from services.router.shortcut import Shortcut
from shared.events.case import CaseFiled, CaseMerged, CaseModeChanged, CaseOpened, CaseRecategorised
from shared.events.order import OrderIssued
from shared.events.parts import CaseView
from shared.vocabulary import CASE_ENDED, CaseState, OrderReason, OrderRole, WhenLate
from tests.fakes.router import NOW, SYSTEM, OneRulebook, a_case, escalated, event, opened, record

TRACED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CASE = a_case(category="04.002")
HELD = (CaseState.PAUSED, CaseState.HUNG)


def filed(case: CaseView, text: str = "一件事") -> CaseFiled:
    return CaseFiled(case=case, by=SYSTEM, category_before="05.001", text=text)


async def test_a_case_that_waits_for_a_person_gets_no_order_until_it_is_filed(book: Rulebook) -> None:
    received = replace(CASE, state=CaseState.RECEIVED)
    causes = (opened(received), filed(replace(CASE, version=2)))
    routed = await route_batch([record(event(cause)) for cause in causes], rulebooks=OneRulebook(book), now=NOW)
    (order,) = [one for one in routed.orders if one.data.order.role is OrderRole.LEAD]
    assert isinstance(order.data, OrderIssued)
    assert order.data.order.reason is OrderReason.RULE
    assert order.data.cause_id == event(causes[1]).id
    assert (routed.rejected, dict(routed.tallies.left)) == ([], {Left.UNFILED: 1})


def test_a_filed_case_is_routed_as_one_just_opened_and_by_its_words(book: Rulebook) -> None:
    case = a_case(category="03.001")
    for text in ("一件事", "有人被困"):
        by_word, by_machine = filed(case, text), opened(case, text)
        assert answer(by_word, Facts.of(case, text, at=NOW), book) == answer(
            by_machine, Facts.of(case, text, at=NOW), book
        )


@pytest.mark.parametrize("first", (CaseState.RECEIVED, CaseState.OPENED))
async def test_the_quick_way_tells_a_case_that_waits_from_one_alike(book: Rulebook, first: CaseState) -> None:
    shortcut = Shortcut(most_bytes=1 << 20)
    other = CaseState.OPENED if first is CaseState.RECEIVED else CaseState.RECEIVED
    records = [
        record(event(opened(replace(CASE, state=state)), traceparent=TRACED), offset=number)
        for number, state in enumerate((first, other, first, other))
    ]
    routed = await route_batch(records, rulebooks=OneRulebook(book), now=NOW, shortcut=shortcut.batch(NOW))
    assert routed.tallies.left[Left.UNFILED] == 2
    assert routed.tallies.remembered == 1, "the second that is opened, and neither that waits"
    assert routed.tallies.issued.total() == 2 * len(answer(opened(CASE), Facts.of(CASE, "", at=NOW), book).orders) > 0


@pytest.mark.parametrize("state", (CaseState.RECEIVED, *HELD, *sorted(CASE_ENDED)))
@pytest.mark.parametrize("role", (OrderRole.LEAD, None))
@pytest.mark.parametrize("when_late", (WhenLate.TAKE_OVER, WhenLate.OVERSEE))
def test_a_late_clock_of_the_lead_or_the_case_moves_nothing_that_is_held_or_over(
    book: Rulebook, state: CaseState, role: OrderRole | None, when_late: WhenLate
) -> None:
    case = replace(CASE, state=state)
    late = escalated(case, "990101101", when_late=when_late, order_role=role)
    decision = answer(late, Facts.of(case, at=NOW), book)
    why = Left.HELD if state in HELD else Left.UNFILED if state is CaseState.RECEIVED else Left.ENDED
    assert (decision.orders, decision.withdrawals, decision.left) == ((), (), why)


def test_an_assistant_of_a_paused_case_goes_on_and_may_be_late(book: Rulebook) -> None:
    for state, moves in ((CaseState.PAUSED, True), (CaseState.HUNG, False), (CaseState.MERGED, False)):
        case = replace(CASE, state=state)
        late = escalated(case, "990101101", order_role=OrderRole.ASSIST)
        assert bool(answer(late, Facts.of(case, at=NOW), book).orders) == moves, state


@pytest.mark.parametrize("state", (CaseState.RECEIVED, *HELD))
def test_a_new_mode_leaves_a_case_alone_that_is_held_or_not_filed(book: Rulebook, state: CaseState) -> None:
    case = replace(CASE, state=state, mode="flood-II")
    changed = CaseModeChanged(case=case, by=SYSTEM, before="normal", reason="汛情")
    assert answer(changed, Facts.of(case, at=NOW), book).left is (
        Left.UNFILED if state is CaseState.RECEIVED else Left.HELD
    )


async def test_a_new_name_or_a_merger_asks_nobody(book: Rulebook) -> None:
    named = CaseRecategorised(case=CASE, by=SYSTEM, category_before="05.001", reason="路面破损", text="一件事")
    merged = CaseMerged(case=replace(CASE, state=CaseState.MERGED), by=SYSTEM, into=CASE.case_id, reason="同一事项")
    records = [record(event(one)) for one in (named, merged)]
    routed = await route_batch(records, rulebooks=OneRulebook(book), now=NOW)
    assert (routed.messages, routed.rejected, routed.passed_over) == ([], [], records)


async def test_what_is_left_alone_has_a_figure_of_its_own(book: Rulebook) -> None:
    metrics = Metrics()
    received: CaseOpened = opened(replace(CASE, state=CaseState.RECEIVED))
    routed = await route_batch([record(event(received))], rulebooks=OneRulebook(book), now=NOW)
    metrics.count(routed.tallies)
    assert metrics.registry.get_sample_value("whistle_router_left_total", {"reason": "unfiled"}) == 1
    assert metrics.registry.get_sample_value("whistle_router_unsaid_total") == 0
