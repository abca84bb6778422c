"""What follows from a playbook alone, kept for those in use: a fold asks the same of one for every clock."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

from shared.playbook.model import Playbook

PLAYBOOKS: Final = 64
ANSWERS: Final = 4096

ValueT = TypeVar("ValueT")


class Recent(Generic[ValueT]):
    """Answers of ``answer`` by playbook and by what was asked; of as many of both as are kept, the oldest go first.

    ``answer`` is pure: that it is remembered changes nothing but the time that it takes.
    """

    def __init__(self, *, playbooks: int = PLAYBOOKS, answers: int = ANSWERS) -> None:
        self._most_playbooks, self._most_answers = playbooks, answers
        self._books: dict[int, tuple[Playbook, dict[Hashable, ValueT]]] = {}

    def of(self, playbook: Playbook, asked: Hashable, answer: Callable[[], ValueT]) -> ValueT:
        """What ``answer`` says to ``asked`` under ``playbook``."""
        book = self._books.get(id(playbook))
        if book is None:
            while len(self._books) >= self._most_playbooks:
                del self._books[next(iter(self._books))]
            # The entry holds its playbook, so that no other can have its id meanwhile.
            book = self._books[id(playbook)] = (playbook, {})
        known = book[1]
        try:
            return known[asked]
        except KeyError:
            while len(known) >= self._most_answers:
                del known[next(iter(known))]
            found = known[asked] = answer()
            return found
