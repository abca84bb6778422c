"""A playbook compiled for routing, once: its rules indexed, its duty list as an index."""

from services.router.domain.conditions import asked_by
from services.router.domain.facts import Facts
from services.router.domain.index import Index, Sighting
from services.router.domain.senses import Senses
from services.router.domain.targets import Directory
from services.router.domain.walk import Compiled, Match, Walk, compiled_rules
from shared.events.parts import PlaybookRef
from shared.finding import one_pass
from shared.playbook.model import Playbook

__all__ = ["Compiled", "Match", "Rulebook", "Sighting", "Walk"]


class Rulebook:
    """Answers which rules hold for a case, and who that asks for."""

    def __init__(self, playbook: Playbook) -> None:
        """Compile `playbook`."""
        self.playbook = playbook
        self.ref = PlaybookRef(version=playbook.version, digest=playbook.digest)
        self.senses = Senses(playbook, finder=one_pass)
        self.rules: tuple[Compiled, ...] = compiled_rules(playbook.rules, self.senses)
        """Every rule that is not off, in order, with all its criteria."""
        self.directory = Directory(playbook, self.senses.almanac)
        self._index = Index(self.rules, self.senses)
        self._rerouting = {
            mode.id: asked_by(mode.reroute, self.senses) for mode in playbook.modes.values() if mode.reroute is not None
        }

    def walk(self, facts: Facts) -> Walk:
        """Return the rules that hold, in order, up to the first that does not say `continue`; and near misses."""
        return self._index.walk(self._index.sight(facts))

    def sight(self, facts: Facts) -> Sighting:
        """Return all that the rules can tell of a case."""
        return self._index.sight(facts)

    def walk_of(self, sighting: Sighting) -> Walk:
        """Return the walk for a case seen so."""
        return self._index.walk(sighting)

    def reroutes(self, mode_id: str, facts: Facts) -> bool:
        """Say whether entering the mode routes this case anew; False for one that reroutes none, or is not known."""
        asked = self._rerouting.get(mode_id)
        return asked is not None and all(criterion.holds(facts) for criterion in asked)
