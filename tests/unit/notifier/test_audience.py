"""Who hears what."""

from __future__ import annotations

from uuid import UUID

import pytest

from services.notifier.domain.audience import Facets, Filter, Scope, hears, may_hear, under, wants
from shared.vocabulary import Level, Severity

CASE = UUID(int=1)
FACETS = Facets(
    case_id=CASE,
    type="whistle.order.issued.v1",
    area="990101001200001",
    level=Level.TOWN,
    category="01.002",
    severity=Severity.II,
    departments=frozenset({"water"}),
)


@pytest.mark.parametrize(
    ("scope", "hears_it"),
    (
        (Scope(area="990101"), True),
        (Scope(area="990101001"), True),
        (Scope(area="990101001200"), True),
        (Scope(area="990101001200001"), True),
        (Scope(area="990101002"), False),
        (Scope(area="990102"), False),
        (Scope(area="990101001201"), False),
        (Scope(area="990101001200001999"), False),
        (Scope(area="990101", department="water"), True),
        (Scope(area="990101", department="power"), False),
        (Scope(area="990101002", department="water"), False),
    ),
)
def test_a_scope_holds_its_area_with_all_below_and_for_a_department_what_concerns_it(
    scope: Scope, hears_it: bool
) -> None:
    assert may_hear(scope, FACETS) is hears_it


@pytest.mark.parametrize(
    ("asked", "wanted"),
    (
        (Filter(), True),
        (Filter(area="990101001"), True),
        (Filter(area="990101002"), False),
        (Filter(case_id=CASE), True),
        (Filter(case_id=UUID(int=2)), False),
        (Filter(levels=frozenset({Level.TOWN, Level.COUNTY})), True),
        (Filter(levels=frozenset({Level.VILLAGE})), False),
        (Filter(categories=frozenset({"01"})), True),
        (Filter(categories=frozenset({"01.002"})), True),
        (Filter(categories=frozenset({"01.00"})), False),
        (Filter(categories=frozenset({"02", "01"})), True),
        (Filter(severities=frozenset({Severity.I, Severity.II})), True),
        (Filter(severities=frozenset({Severity.I})), False),
        (Filter(types=frozenset({"whistle.order"})), True),
        (Filter(types=frozenset({"whistle.order.issued.v1"})), True),
        (Filter(types=frozenset({"whistle.ord"})), False),
        (Filter(departments=frozenset({"water", "power"})), True),
        (Filter(departments=frozenset({"power"})), False),
        (Filter(area="990101", severities=frozenset({Severity.I})), False),
    ),
)
def test_a_filter_takes_any_value_of_a_field_and_asks_all_fields(asked: Filter, wanted: bool) -> None:
    assert wants(asked, FACETS) is wanted


def test_a_filter_never_widens_a_scope() -> None:
    assert not hears(Scope(area="990101002"), Filter(area="990101001"), FACETS)


def test_a_parent_stands_for_its_children_and_not_for_its_neighbours() -> None:
    assert under("01", "01.002")
    assert under("01", "01")
    assert not under("01", "010")
