"""The matters of one batch and one kin, as its later reports find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

MOST_OF_A_BATCH: Final = 64
"""Matters of one batch that a report of it is compared with."""


class Shelf:
    """Cases by the marks of their reports; places stand for the ids, which are dear to compare."""

    def __init__(self) -> None:
        self._cases: list[UUID] = []
        self._places: dict[UUID, int] = {}
        self._marks: list[set[int]] = []
        self._by_mark: defaultdict[int, list[int]] = defaultdict(list)

    def put(self, case_id: UUID, marks: Collection[int]) -> None:
        """The case is found by these marks too."""
        place = self._places.setdefault(case_id, len(self._cases))
        if place == len(self._cases):
            self._cases.append(case_id)
            self._marks.append(set())
        for mark in set(marks) - self._marks[place]:
            self._marks[place].add(mark)
            self._by_mark[mark].append(place)

    def like(self, marks: Sequence[int]) -> list[UUID]:
        """At most 64 cases with some of these marks: those of the last mark first, of each the newest."""
        found: dict[int, None] = {}
        for mark in reversed(marks):
            for place in reversed(self._by_mark.get(mark, ())[-MOST_OF_A_BATCH:]):
                found[place] = None
            if len(found) >= MOST_OF_A_BATCH:
                break
        return [self._cases[place] for place in list(found)[:MOST_OF_A_BATCH]]
