"""What is remembered of a playbook is what would be found anew, for each case and each playbook, within its bounds."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from services.escalation.domain.fitting import Asked, fitting_limits, limit_for
from services.escalation.domain.recent import Recent
from shared.events.parts import WhistleRef
from shared.playbook.model import ClockLimit
from shared.vocabulary import ClockKind, WhistleKind
from tests.fakes.clock_county import clock_county
from tests.fakes.small_county import WEST_VILLAGE
from tests.fakes.story import Story
from tests.unit.escalation.test_fitting import ASKS, CASE, HANDLE, OPENED, OTHER, asking

BOOK = clock_county()
FIELDS = ("category", "condition", "area", "severity", "mode")

limits = st.lists(
    st.sets(st.sampled_from(sorted(set(ASKS) - {"profile", "whistle"}))), min_size=1, max_size=6, unique_by=frozenset
)
matters = st.lists(
    st.tuples(st.sets(st.sampled_from((*FIELDS, "case_source"))), st.integers(0, 400)), min_size=2, max_size=12
)


def limit_of(number: int, names: set[str], *, dated: bool) -> ClockLimit:
    found = asking(*sorted(names), amount=number + 1)
    return replace(found, valid_from=OPENED.date() + timedelta(days=30)) if dated else found


@settings(max_examples=60, deadline=None)
@given(limits, matters, st.booleans())
def test_cases_that_are_alike_have_the_limit_that_each_would_be_given(
    asked: list[set[str]], cases: list[tuple[set[str], int]], dated: bool
) -> None:
    book = replace(BOOK, clocks=tuple(limit_of(number, names, dated=dated) for number, names in enumerate(asked)))
    for changed, days in cases:
        named = {"source" if name == "case_source" else name: OTHER[name] for name in changed}
        matter = structs.replace(CASE, opened_at=OPENED + timedelta(days=days), **named)
        found = fitting_limits(book, HANDLE, Asked.of(book, matter))
        assert limit_for(book, HANDLE, matter) == (found[0] if found else None)


@pytest.mark.parametrize("name", (*FIELDS, "case_source"))
def test_cases_that_differ_in_what_a_limit_asks_are_told_apart(name: str) -> None:
    book = replace(BOOK, clocks=(asking(name),))
    other = structs.replace(CASE, **{"source" if name == "case_source" else name: OTHER[name]})
    found = [limit_for(book, HANDLE, matter) for matter in (CASE, other, CASE, other)]
    assert [one is not None for one in found] == [True, False, True, False]


@pytest.mark.parametrize(
    "order", ({"clock_profile": "urgent"}, {"whistle": WhistleRef(whistle_id=UUID(int=1), kind=WhistleKind.KEY_WORK)})
)
def test_orders_that_differ_in_what_a_limit_asks_are_told_apart(order: dict[str, Any]) -> None:
    story = Story("orders", area=WEST_VILLAGE, at=OPENED)
    story.opened()
    plain, other = story.issued(WEST_VILLAGE), story.issued(WEST_VILLAGE, **order)
    limit = asking("profile") if "clock_profile" in order else replace(asking(), whistle=True)
    book = replace(BOOK, clocks=(limit,))
    found = [limit_for(book, HANDLE, CASE, order=one) for one in (plain, other, plain, other)]
    assert [one is not None for one in found] == [False, True, False, True]


def test_one_playbook_does_not_answer_for_another() -> None:
    books = [replace(BOOK, clocks=(asking(amount=number + 1),)) for number in range(3)]
    found = [limit_for(book, HANDLE, CASE) for book in (*books, *books)]
    assert [one and one.limit.amount for one in found] == [1, 2, 3, 1, 2, 3]


def test_the_kind_is_asked_for() -> None:
    book = replace(BOOK, clocks=(asking(amount=2),))
    assert limit_for(book, HANDLE, CASE) is not None
    assert limit_for(book, ClockKind.VERIFY, CASE) is None


def test_no_more_is_kept_than_was_said() -> None:
    asked = list[int]()

    def answer(number: int) -> int:
        asked.append(number)
        return number

    recent = Recent[int](playbooks=2, answers=3)
    for number in (1, 2, 3, 3, 4, 1):
        assert recent.of(BOOK, number, partial(answer, number)) == number
    assert asked == [1, 2, 3, 4, 1]
    for book in (replace(BOOK), replace(BOOK)):
        recent.of(book, 1, lambda: answer(1))
    recent.of(BOOK, 1, lambda: answer(1))
    assert len(asked) == 8
