"""Which limit fits a case: what each may ask for, which goes before which, and what keeps a near one away."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import combinations
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from services.escalation.domain.clocks import demanded
from services.escalation.domain.facts import Facts, Traits
from services.escalation.domain.fitting import Asked, fitting_limits, limit_for, near_limits
from services.escalation.domain.fold import fold
from services.escalation.domain.limits import start
from shared.playbook.model import PRECEDENCE, ClockLimit, LimitUnit
from shared.vocabulary import ClockKind, Severity, Source
from tests.fakes.clock_county import clock_county, limit
from tests.fakes.small_county import EAST, GAS_LEAK, WEST, WEST_VILLAGE
from tests.unit.escalation.test_clocks import folded, story

HANDLE, HOUR = ClockKind.HANDLE, LimitUnit.CONTINUOUS_HOUR
OPENED = datetime(2026, 12, 31, 16, 30, tzinfo=UTC)
"""The first half hour of 2027 where the county lies."""
CASE = Traits(
    area=WEST_VILLAGE,
    category=GAS_LEAK,
    condition="leaks",
    severity=Severity.II,
    mode="flood",
    source=Source.HOTLINE,
    opened_at=OPENED,
)
ASKS: dict[str, Any] = {
    "mode": "flood",
    "profile": "urgent",
    "whistle": False,
    "category": GAS_LEAK,
    "condition": "leaks",
    "area": WEST,
    "severity": Severity.II,
    "case_source": Source.HOTLINE,
}
OTHER: dict[str, Any] = {
    "mode": "drill",
    "profile": "slow",
    "whistle": True,
    "category": "99",
    "condition": "smells",
    "area": EAST,
    "severity": Severity.I,
    "case_source": Source.GRID,
}


def asking(*names: str, amount: float = 1, **more: Any) -> ClockLimit:
    return limit(HANDLE, amount, HOUR, **{name: ASKS[name] for name in names}, **more)


def best(*limits: ClockLimit, traits: Traits = CASE) -> ClockLimit | None:
    book = clock_county(clocks=limits)
    found = fitting_limits(book, HANDLE, Asked.of(book, traits, profile="urgent"))
    return found[0] if found else None


def test_the_order_of_precedence_is_the_one_that_is_written_down() -> None:
    assert tuple(ASKS) == PRECEDENCE == tuple(OTHER)


@pytest.mark.parametrize(("stronger", "weaker"), tuple(combinations(PRECEDENCE, 2)))
def test_one_that_asks_for_the_stronger_thing_goes_before_one_that_asks_for_all_weaker_ones(
    stronger: str, weaker: str
) -> None:
    one, all_weaker = asking(stronger), asking(*PRECEDENCE[PRECEDENCE.index(stronger) + 1 :])
    assert weaker in PRECEDENCE[PRECEDENCE.index(stronger) + 1 :]
    assert best(all_weaker, asking(weaker), one, asking()) == one


def test_the_deeper_category_and_the_smaller_area_go_before_the_wider_ones() -> None:
    deep, wide = asking("category"), replace(asking("severity"), category=GAS_LEAK[:2])
    assert best(wide, deep) == deep
    village, town = replace(asking("severity"), area=WEST_VILLAGE), replace(asking("severity"), area=WEST)
    assert best(town, village) == village


@pytest.mark.parametrize("name", PRECEDENCE)
def test_a_limit_that_asks_for_something_else_does_not_fit(name: str) -> None:
    wrong = replace(asking(), **{name: OTHER[name]})
    assert best(wrong) is None
    book = clock_county(clocks=(wrong,))
    near = near_limits(book, HANDLE, Asked.of(book, CASE, profile="urgent"))
    # A limit for another category is no near one: there are hundreds of those.
    assert [misfit.field for _, misfit in near] == ([] if name == "category" else [name])


def test_a_case_of_a_whole_town_is_not_in_one_of_its_villages() -> None:
    village = replace(asking(), area=WEST_VILLAGE)
    assert best(village, traits=structs.replace(CASE, area=WEST)) is None


@pytest.mark.parametrize(
    ("first", "last", "fits"),
    (
        (None, date(2026, 12, 31), False),
        (date(2027, 1, 1), None, True),
        (None, date(2027, 1, 1), True),
        (date(2027, 1, 2), None, False),
        (date(2027, 1, 1), date(2027, 1, 1), True),
    ),
)
def test_the_local_day_on_which_the_case_was_opened_decides(
    first: date | None, last: date | None, *, fits: bool
) -> None:
    dated = asking(valid=(first, last))
    assert (best(dated) == dated) is fits
    assert best(dated, traits=structs.replace(CASE, opened_at=None)) is None, "of an unknown day nothing dated is said"


def test_one_that_fits_no_longer_leaves_the_case_to_the_next_and_is_told() -> None:
    old, bare = asking("category", valid=(None, date(2026, 12, 31))), asking()
    assert best(old, bare) == bare
    book = clock_county(clocks=(old, bare))
    ((near, misfit),) = near_limits(book, HANDLE, Asked.of(book, CASE))
    assert (near, misfit.field, misfit.asks) == (old, "validity", "until 2026-12-31")
    assert misfit.has == "opened on 2027-01-01"


def test_what_a_case_is_opened_as_chooses_its_limits_also_after_days() -> None:
    told = story(area=WEST_VILLAGE)
    told.opened()
    told.issued(WEST_VILLAGE)
    facts = folded(told.events)
    opened = facts.view.opened_at.astimezone(UTC).date()
    day = timedelta(days=1)
    before, since = (None, opened), (opened + 2 * day, None)
    book = clock_county(
        clocks=(limit(HANDLE, 3, HOUR, valid=before), limit(HANDLE, 9, HOUR, valid=since), *clock_county().clocks[:2])
    )
    (handle,) = [one for one in demanded(facts) if one.kind is HANDLE]
    late = structs.replace(handle, started_at=handle.started_at + 5 * day)
    for demand in (handle, late):
        clock = start(demand, book)
        assert clock is not None
        assert clock.amount == timedelta(hours=3)


def test_facts_that_were_kept_before_limits_asked_for_source_and_day_know_both() -> None:
    told = story(area=WEST_VILLAGE)
    told.opened()
    told.issued(WEST_VILLAGE)
    kept = msgspec.json.decode(msgspec.json.encode(folded(told.events)))
    for issued in kept["issued"].values():
        del issued["matter"]["source"], issued["matter"]["opened_at"]
    facts = msgspec.json.decode(msgspec.json.encode(kept), type=Facts)
    assert {(one.traits.source, one.traits.opened_at) for one in demanded(facts)} == {
        (facts.view.source, facts.view.opened_at)
    }
    assert fold(facts, told.events[-1]) == facts


@given(
    st.lists(st.sets(st.sampled_from(PRECEDENCE)), min_size=1, max_size=12, unique_by=lambda one: tuple(sorted(one)))
)
def test_no_order_of_lines_in_the_file_changes_which_limit_fits(demands: list[set[str]]) -> None:
    limits = [asking(*names) for names in demands]
    book = clock_county(clocks=tuple(limits))
    first = fitting_limits(book, HANDLE, Asked.of(book, CASE, profile="urgent"))
    turned = clock_county(clocks=tuple(reversed(limits)))
    assert fitting_limits(turned, HANDLE, Asked.of(turned, CASE, profile="urgent")) == first
    assert len(first) == len(limits)


def test_a_kind_that_nothing_limits_has_its_default_or_none() -> None:
    book = clock_county(clocks=())
    assert limit_for(book, HANDLE, CASE) is None
    sign = limit_for(book, ClockKind.SIGN_IN, CASE)
    assert sign is not None
    assert sign.id == "default-sign-in"
