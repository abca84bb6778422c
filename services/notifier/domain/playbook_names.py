"""What one playbook calls things."""

from __future__ import annotations

from dataclasses import dataclass

from services.notifier.domain.words import CODES
from shared.playbook.model import Playbook, Text
from shared.vocabulary import Level
from shared.words import Words


@dataclass(frozen=True, slots=True)
class PlaybookNames:
    """The names of ``words.Names`` as ``playbook`` has them; what it does not know is its own name."""

    playbook: Playbook

    def department(self, area: str, code: str) -> Words:
        """See ``Names``."""
        found = self.playbook.departments.get(code)
        return CODES.department(area, code) if found is None else _both(found.name)

    def mode(self, area: str, code: str) -> Words:
        """See ``Names``."""
        found = self.playbook.modes.get(code)
        return CODES.mode(area, code) if found is None else _both(found.title)

    def category(self, area: str, code: str) -> Words:
        """See ``Names``."""
        found = self.playbook.categories.get(code)
        return CODES.category(area, code) if found is None else _both(found.name)

    def pause(self, area: str, code: str) -> Words:
        """See ``Names``."""
        found = next((reason for reason in self.playbook.policy.pause_reasons if reason.id == code), None)
        return CODES.pause(area, code) if found is None else _both(found.name)

    def area(self, code: str) -> Words:
        """See ``Names``."""
        line = self.playbook.area_line(code)
        if not line:
            return CODES.area(code)
        shown = [one.name for one in line if one.level is not Level.COUNTY] or [line[-1].name]
        return Words(zh="".join(name.zh for name in reversed(shown)), en=", ".join(name.en for name in shown))

    def officer(self, area: str, code: str) -> str:
        """See ``Names``."""
        found = self.playbook.roster.officers.get(code)
        return CODES.officer(area, code) if found is None else found.name

    def chain(self, area: str, code: str) -> Words:
        """See ``Names``."""
        found = self.playbook.chains.get(code)
        return CODES.chain(area, code) if found is None else _both(found.title)

    def step(self, area: str, chain: str, code: str) -> Words:
        """See ``Names``; a clock keeps the chain that it started with, and a step of that may be gone."""
        found = self.playbook.chains.get(chain)
        title = next((one.title for one in found.steps if one.id == code), None) if found is not None else None
        return CODES.step(area, chain, code) if title is None else _both(title)


def _both(name: Text) -> Words:
    return Words(zh=name.zh, en=name.en)
