"""Early warnings: categories and areas that exist, and none that could never be raised or twice for one matter."""

from collections.abc import Iterator

from shared.playbook.check.conditions import told_of
from shared.playbook.check.finding import Finding, unknown
from shared.playbook.model import Playbook
from shared.vocabulary import Level


def check_warnings(playbook: Playbook) -> Iterator[Finding]:
    """What a rule names exists; an area that it watches is no smaller than the areas that it counts."""
    for name, rule in playbook.warnings.items():
        told = told_of("warnings", name)
        for index, problem, allowed in unknown(rule.categories, playbook.categories, what="category"):
            yield told(path=("categories", index), problem=problem, allowed=allowed, needs=("categories",))
        for index, problem, allowed in unknown(rule.areas, playbook.areas, what="area"):
            yield told(path=("areas", index), problem=problem, allowed=allowed, needs=("areas",))
        for index, code in enumerate(rule.categories):
            above = next((one for one in rule.categories if code.startswith(f"{one}.")), None)
            if above is not None:
                problem = f"{code} is counted in {above} already"
                yield told(path=("categories", index), problem=problem, allowed=("categories that lie beside",))
        for index, code in enumerate(rule.areas):
            if rule.within_metres is None and len(code) > rule.level.digits:
                problem = f"{code} lies inside the {rule.level} that is counted"
                allowed = (f"an area of level {rule.level} or above", f"level: {Level.VILLAGE}")
                yield told(path=("areas", index), problem=problem, allowed=allowed)
