"""What a report of a batch is compared with: the cases of its batch that share a mark with it."""

from uuid import UUID

from services.intake.handlers.shelf import MOST_OF_A_BATCH, Shelf

FIRST, SECOND, THIRD = (UUID(int=number) for number in (1, 2, 3))


def shelf(*put: tuple[UUID, set[int]]) -> Shelf:
    made = Shelf()
    for case_id, marks in put:
        made.put(case_id, marks)
    return made


def test_a_case_that_shares_no_mark_is_not_found() -> None:
    assert shelf((FIRST, {1, 2}), (SECOND, {3})).like([2, 4]) == [FIRST]
    assert shelf((FIRST, {1})).like([]) == []


def test_the_last_mark_counts_most_and_of_each_the_newest() -> None:
    assert shelf((FIRST, {1}), (SECOND, {1}), (THIRD, {2})).like([2, 1]) == [SECOND, FIRST, THIRD]


def test_a_case_is_found_by_the_marks_of_each_of_its_reports_and_once() -> None:
    assert shelf((FIRST, {1, 2}), (SECOND, {2}), (FIRST, {2, 3})).like([3, 1, 2]) == [SECOND, FIRST]
    assert shelf((FIRST, {1}), (FIRST, {9})).like([9]) == [FIRST]


def test_no_more_are_compared_than_the_bound() -> None:
    many = shelf(*((UUID(int=number), {1, number % 3 + 10}) for number in range(500)))
    found = many.like([10, 11, 1])
    assert found == [UUID(int=number) for number in range(499, 499 - MOST_OF_A_BATCH, -1)]
