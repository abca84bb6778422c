"""What the playbooks in force call things, and how a mode changes deliveries."""

from __future__ import annotations

from datetime import timedelta

from services.notifier.domain.playbook_names import PlaybookNames
from services.notifier.domain.words import CODES, Names
from shared.playbook.model import Playbook
from shared.playbook.shelf import PlaybookShelf, UnknownCounty
from shared.words import Words


class ShelfCounty:
    """See ``ports.County``; where no playbook is known, codes stand for names."""

    def __init__(self, shelf: PlaybookShelf) -> None:
        self._shelf = shelf

    def department(self, area: str, code: str) -> Words:
        """See ``ports.County``."""
        return self._names(area).department(area, code)

    def mode(self, area: str, code: str) -> Words:
        """See ``ports.County``."""
        return self._names(area).mode(area, code)

    def category(self, area: str, code: str) -> Words:
        """See ``ports.County``."""
        return self._names(area).category(area, code)

    def pause(self, area: str, code: str) -> Words:
        """See ``ports.County``."""
        return self._names(area).pause(area, code)

    def area(self, code: str) -> Words:
        """See ``ports.County``."""
        return self._names(code).area(code)

    def officer(self, area: str, code: str) -> str:
        """See ``ports.County``."""
        return self._names(area).officer(area, code)

    def chain(self, area: str, code: str) -> Words:
        """See ``ports.County``."""
        return self._names(area).chain(area, code)

    def step(self, area: str, chain: str, code: str) -> Words:
        """See ``ports.County``."""
        return self._names(area).step(area, chain, code)

    def reopening(self, area: str) -> timedelta | None:
        """See ``ports.County``."""
        playbook = self._playbook(area)
        return None if playbook is None else timedelta(hours=playbook.policy.reopen_hours)

    def longest_pause(self, area: str, mode: str) -> timedelta | None:
        """See ``ports.County``."""
        playbook = self._playbook(area)
        found = None if playbook is None else playbook.modes.get(mode)
        seconds = None if found is None else found.channels.retry_at_most_seconds
        return None if seconds is None else timedelta(seconds=seconds)

    def _names(self, area: str) -> Names:
        playbook = self._playbook(area)
        return CODES if playbook is None else PlaybookNames(playbook)

    def _playbook(self, area: str) -> Playbook | None:
        try:
            return self._shelf.of(area)
        except UnknownCounty:
            return None
