"""The matters of one batch and one kin, as its later reports find them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Final

from services.intake.domain.alike.sameness import Profile

MOST_OF_A_BATCH: Final = 64
"""Matters of one batch that a report of it is compared with."""


class Shelf:
    """Profiles by the marks of their reports; places stand for the cases, whose ids are dear to compare."""

    def __init__(self) -> None:
        self._profiles: list[Profile] = []
        self._places: dict[int, int] = {}
        self._marks: list[set[int]] = []
        self._by_mark: defaultdict[int, list[int]] = defaultdict(list)

    def put(self, profile: Profile, marks: Iterable[int]) -> None:
        """The profile takes the place of the one of its case before it, and is found by these marks too."""
        place = self._places.setdefault(profile.case_id.int, len(self._profiles))
        if place == len(self._profiles):
            self._profiles.append(profile)
            self._marks.append(set())
        self._profiles[place] = profile
        new = set(marks) - self._marks[place]
        self._marks[place] |= new
        if self._by_mark:
            self._index(place, new)
        elif len(self._profiles) > MOST_OF_A_BATCH:
            for each, known in enumerate(self._marks):
                self._index(each, known)

    def like(self, marks: Sequence[int]) -> list[Profile]:
        """At most 64 profiles with some of these marks; of more those of the last mark first, of each the newest."""
        if not self._by_mark:
            # Few are asked one by one, newest first: most kins have a handful in a batch, and no index pays.
            known = zip(reversed(self._profiles), reversed(self._marks), strict=True)
            return [one for one, theirs in known if not theirs.isdisjoint(marks)]
        found: dict[int, None] = {}
        for mark in reversed(marks):
            found.update(dict.fromkeys(reversed(self._by_mark.get(mark, ())[-MOST_OF_A_BATCH:])))
            if len(found) >= MOST_OF_A_BATCH:
                break
        return [self._profiles[place] for place in list(found)[:MOST_OF_A_BATCH]]

    def _index(self, place: int, marks: Iterable[int]) -> None:
        for mark in marks:
            self._by_mark[mark].append(place)
