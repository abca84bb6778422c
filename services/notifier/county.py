"""What the playbooks in force call things, and how a mode changes deliveries."""

from __future__ import annotations

from datetime import timedelta

from services.notifier.domain.words import CODES
from shared.playbook.model import Chain, Mode, Playbook
from shared.playbook.shelf import PlaybookShelf, UnknownCounty
from shared.vocabulary import Level
from shared.words import Words


class ShelfCounty:
    """See ``ports.County``; where no playbook is known, codes stand for names."""

    def __init__(self, shelf: PlaybookShelf) -> None:
        self._shelf = shelf

    def department(self, area: str, code: str) -> Words:
        """See ``ports.County``."""
        playbook = self._playbook(area)
        found = None if playbook is None else playbook.departments.get(code)
        return CODES.department(area, code) if found is None else Words(zh=found.name.zh, en=found.name.en)

    def mode(self, area: str, code: str) -> Words:
        """See ``ports.County``."""
        found = self._mode(area, code)
        return CODES.mode(area, code) if found is None else Words(zh=found.title.zh, en=found.title.en)

    def category(self, area: str, code: str) -> Words:
        """See ``ports.County``."""
        playbook = self._playbook(area)
        found = None if playbook is None else playbook.categories.get(code)
        return CODES.category(area, code) if found is None else Words(zh=found.name.zh, en=found.name.en)

    def pause(self, area: str, code: str) -> Words:
        """See ``ports.County``."""
        playbook = self._playbook(area)
        reasons = () if playbook is None else playbook.policy.pause_reasons
        found = next((reason for reason in reasons if reason.id == code), None)
        return CODES.pause(area, code) if found is None else Words(zh=found.name.zh, en=found.name.en)

    def area(self, code: str) -> Words:
        """See ``ports.County``."""
        playbook = self._playbook(code)
        line = () if playbook is None else playbook.area_line(code)
        if not line:
            return CODES.area(code)
        shown = [one.name for one in line if one.level is not Level.COUNTY] or [line[-1].name]
        return Words(zh="".join(name.zh for name in reversed(shown)), en=", ".join(name.en for name in shown))

    def officer(self, area: str, code: str) -> str:
        """See ``ports.County``."""
        playbook = self._playbook(area)
        found = None if playbook is None else playbook.roster.officers.get(code)
        return CODES.officer(area, code) if found is None else found.name

    def chain(self, area: str, code: str) -> Words:
        """See ``ports.County``."""
        found = self._chain(area, code)
        return CODES.chain(area, code) if found is None else Words(zh=found.title.zh, en=found.title.en)

    def step(self, area: str, chain: str, code: str) -> Words:
        """See ``ports.County``; a clock keeps the chain that it started with, and a step of that may be gone."""
        found = self._chain(area, chain)
        title = next((one.title for one in found.steps if one.id == code), None) if found is not None else None
        return CODES.step(area, chain, code) if title is None else Words(zh=title.zh, en=title.en)

    def reopening(self, area: str) -> timedelta | None:
        """See ``ports.County``."""
        playbook = self._playbook(area)
        return None if playbook is None else timedelta(hours=playbook.policy.reopen_hours)

    def longest_pause(self, area: str, mode: str) -> timedelta | None:
        """See ``ports.County``."""
        found = self._mode(area, mode)
        seconds = None if found is None else found.channels.retry_at_most_seconds
        return None if seconds is None else timedelta(seconds=seconds)

    def _mode(self, area: str, code: str) -> Mode | None:
        playbook = self._playbook(area)
        return None if playbook is None else playbook.modes.get(code)

    def _chain(self, area: str, code: str) -> Chain | None:
        playbook = self._playbook(area)
        return None if playbook is None else playbook.chains.get(code)

    def _playbook(self, area: str) -> Playbook | None:
        try:
            return self._shelf.of(area)
        except UnknownCounty:
            return None
