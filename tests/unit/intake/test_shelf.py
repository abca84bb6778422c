"""What a report of a batch is compared with: the cases of its batch that share a mark with it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from services.intake.domain.alike.sameness import Kin, Profile
from services.intake.handlers.shelf import MOST_OF_A_BATCH, Shelf
from shared.vocabulary import Purpose

FIRST, SECOND, THIRD = (UUID(int=number) for number in (1, 2, 3))
KIN = Kin(town="990101001", family="05", purpose=Purpose.REAL)
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def profile(case_id: UUID) -> Profile:
    return Profile(case_id=case_id, kin=KIN, accounts=(), times=(NOON,))


def shelf(*put: tuple[UUID, set[int]]) -> Shelf:
    made = Shelf()
    for case_id, marks in put:
        made.put(profile(case_id), marks)
    return made


def like(made: Shelf, marks: Sequence[int]) -> list[UUID]:
    return [one.case_id for one in made.like(marks)]


def test_a_case_that_shares_no_mark_is_not_found() -> None:
    assert like(shelf((FIRST, {1, 2}), (SECOND, {3})), [2, 4]) == [FIRST]
    assert like(shelf((FIRST, {1})), []) == []
    assert like(shelf(), [1]) == []


def test_of_few_the_newest_come_first() -> None:
    assert like(shelf((FIRST, {1}), (SECOND, {1}), (THIRD, {2})), [2, 1]) == [THIRD, SECOND, FIRST]


def test_a_case_is_found_by_the_marks_of_each_of_its_reports_and_once() -> None:
    assert like(shelf((FIRST, {1, 2}), (SECOND, {2}), (FIRST, {2, 3})), [3, 1, 2]) == [SECOND, FIRST]
    assert like(shelf((FIRST, {1}), (FIRST, {9})), [9]) == [FIRST]


def test_a_case_is_found_as_its_last_report_has_left_it() -> None:
    made = shelf((FIRST, {1}), (SECOND, {1}))
    later = replace(profile(FIRST), times=(NOON, NOON))
    made.put(later, {7})
    assert made.like([1]) == [profile(SECOND), later]
    assert made.like([7]) == [later]


def test_no_more_are_compared_than_the_bound_and_the_last_mark_counts_most() -> None:
    many = shelf(*((UUID(int=number), {1, number % 3 + 10}) for number in range(500)))
    found = like(many, [10, 11, 1])
    assert found == [UUID(int=number) for number in range(499, 499 - MOST_OF_A_BATCH, -1)]


def test_beyond_the_bound_the_marks_of_those_before_and_of_later_reports_are_known() -> None:
    many = shelf(*((UUID(int=number), {number}) for number in range(MOST_OF_A_BATCH + 10)))
    assert like(many, [0, 70, 5]) == [UUID(int=5), UUID(int=70), UUID(int=0)]
    many.put(profile(UUID(int=3)), {1000})
    assert like(many, [1000]) == like(many, [3]) == [UUID(int=3)]
