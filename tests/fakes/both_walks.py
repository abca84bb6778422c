"""The indexed walk and the plain one side by side over random rule sets and cases."""

import os
import secrets

from services.router.domain.rulebook import Rulebook
from services.router.domain.senses import Senses
from services.router.domain.walk import compiled_rules, plain_walk
from tests.fakes.made_rules import Maker

CASES = 100
"""Cases for each rule set."""


def compare_walks(sets: int) -> None:
    """Fail at the first case for which they differ, and when too few rules held for that to mean much."""
    seed = int(os.environ.get("WHISTLE_SEED") or secrets.randbits(32))
    print(f"WHISTLE_SEED={seed}")  # noqa: T201  shown when it fails
    held = nearly = shadowed = 0
    for number in range(sets):
        maker = Maker(seed + number)
        playbook = maker.playbook()
        book, senses = Rulebook(playbook), Senses(playbook)
        rules = compiled_rules(playbook.rules, senses)
        for _ in range(CASES):
            facts = maker.facts()
            walk = plain_walk(rules, facts, senses)
            assert book.walk(facts) == walk, f"WHISTLE_SEED={seed} set {number}: {facts}"
            held += bool(walk.matches)
            nearly += bool(walk.near_misses)
            shadowed += bool(walk.shadows)
    least = sets * CASES / 100
    assert held > least * 20, "rules that never hold prove nothing"
    assert nearly > least * 5
    assert shadowed > least
