"""Who is on duty at an instant, by the playbook's roster (值班表)."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from services.router.domain.almanac import Almanac, Slot
from services.router.domain.facts import Facts
from shared.events.parts import Target
from shared.playbook.duty import named
from shared.playbook.model import Roster, Shift
from shared.vocabulary import Post

REMEMBERED: Final = 20_000


class DutyRoster:
    """The officers' shifts of one playbook by their owner: a desk's area or a department. No order names a leader."""

    def __init__(self, roster: Roster, almanac: Almanac) -> None:
        """File the shifts once."""
        self._almanac = almanac
        shifts: defaultdict[str, list[Shift]] = defaultdict(list)
        for shift in (shift for shift in roster.shifts if shift.post is Post.OFFICER):
            shifts[shift.owner].append(shift)
        self._shifts: Mapping[str, list[Shift]] = dict(shifts)
        self._remembered: dict[tuple[str, Slot], tuple[str, ...]] = {}

    @property
    def is_empty(self) -> bool:
        """Whether nobody stands on it, so that the time changes nothing."""
        return not self._shifts

    def away(self, target: Target, facts: Facts) -> bool:
        """Say whether `target` stands on the roster and nobody of it is on duty."""
        return target.id in self._shifts and not self.on_duty(target, facts)

    def on_duty(self, target: Target, facts: Facts) -> tuple[str, ...]:
        """Return the officers of `target` on duty, first called first; none when it stands on no roster."""
        shifts = self._shifts.get(target.id)
        if shifts is None:
            return ()
        slot = self._almanac.slot(facts.at)
        known = self._remembered.get((target.id, slot))
        if known is None:
            if len(self._remembered) >= REMEMBERED:
                self._remembered.clear()
            # Nothing changes inside a slot: who is on duty in its first minute is so in all of it.
            known = named(shifts, weekday=slot.weekday, minute=slot.starts)
            self._remembered[target.id, slot] = known
        return known
