"""A bounded queue that serves everybody in turn: who puts much in waits for himself, not others for him."""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Generic, TypeVar

Waiting = TypeVar("Waiting")


class Crowded(Exception):  # noqa: N818  named for what is the matter
    """There is no room now: an outage, not a refusal; the same may be put in again in a moment."""


class Turns(Generic[Waiting]):
    """What waits, by whose turn it is; ``most`` in all, ``most_of_one`` of one."""

    def __init__(self, *, most: int, most_of_one: int) -> None:
        self._most = most
        self._most_of_one = most_of_one
        self._lines: OrderedDict[str, deque[Waiting]] = OrderedDict()
        self._waiting = 0

    def __len__(self) -> int:
        return self._waiting

    def put(self, turn: str, one: Waiting) -> None:
        """Put ``one`` at the end of the line of ``turn``.

        Raises:
            Crowded: the line, or all of them together, are as long as they may be.
        """
        line = self._lines.get(turn)
        if self._waiting >= self._most or (line is not None and len(line) >= self._most_of_one):
            raise Crowded(f"{self._waiting} wait, {len(line or ())} of them of this sender")
        if line is None:
            line = self._lines[turn] = deque()
        line.append(one)
        self._waiting += 1

    def take(self, most: int) -> list[Waiting]:
        """The next, at most so many: one of each line, again and again; whose turn was cut off is first next time."""
        taken: list[Waiting] = []
        while self._lines and len(taken) < most:
            turn, line = self._lines.popitem(last=False)
            taken.append(line.popleft())
            if line:
                self._lines[turn] = line
        self._waiting -= len(taken)
        return taken
