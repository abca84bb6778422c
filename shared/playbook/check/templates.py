"""Matters and modes: steps without a circle, profiles that are not normal."""

from collections import Counter
from collections.abc import Iterator, Mapping

from shared.playbook.check.conditions import Conditions, Told, told_of
from shared.playbook.check.finding import Finding, unknown
from shared.playbook.check.targets import check_target
from shared.playbook.model import Matter, Playbook, When
from shared.vocabulary import NORMAL, ModeKind


def check_matters(playbook: Playbook) -> Iterator[Finding]:
    """Steps stand once, wait for steps that exist, never for one another in a circle, and ask who exists."""
    for name, matter in playbook.matters.items():
        told = told_of("matters", name)
        counts = Counter(step.id for step in matter.steps)
        users = [(rule.when, *rule.around) for rule in playbook.rules if rule.matter == name]
        for index, step in enumerate(matter.steps):
            at = ("steps", index)
            if counts[step.id] > 1:
                yield told(path=(*at, "id"), problem=f"step {step.id!r} stands {counts[step.id]} times")
            for place, problem, allowed in unknown(step.after, counts, what="step"):
                yield told(path=(*at, "after", place), problem=problem, allowed=allowed)
            for within in users or [(When(),)]:
                yield from check_target(step.target, (*at, "target"), playbook=playbook, within=within, told=told)
        yield from _circle(matter, told)


def check_modes(playbook: Playbook) -> Iterator[Finding]:
    """No profile is called normal or is of that kind; an emergency has a grade; what it re-routes is known."""
    conditions = Conditions.of(playbook)
    for name, mode in playbook.modes.items():
        told = told_of("modes", name)
        if name == NORMAL:
            problem = f"{NORMAL!r} is what holds where no mode is in force"
            yield told(path=("id",), problem=problem, allowed=("any other id",))
        if mode.kind is ModeKind.NORMAL:
            allowed = (ModeKind.EMERGENCY.value, ModeKind.DRILL.value)
            yield told(path=("kind",), problem="a profile is a drill or an emergency", allowed=allowed)
        if mode.kind is ModeKind.EMERGENCY and mode.grade is None:
            yield told(path=("grade",), problem="an emergency has a grade", allowed=("I", "II", "III", "IV"))
        if mode.reroute is not None:
            yield from conditions.check(mode.reroute, ("reroute",), told)


def _circle(matter: Matter, told: Told) -> Iterator[Finding]:
    """Take away what waits for nothing that is left, again and again; what stays waits in a circle."""
    left: Mapping[str, set[str]] = {step.id: set(step.after) for step in matter.steps}
    while True:
        free = {step for step, after in left.items() if after.isdisjoint(left)}
        if not free:
            break
        left = {step: after for step, after in left.items() if step not in free}
    if left:
        index = next(place for place, step in enumerate(matter.steps) if step.id in left)
        problem = f"these steps wait for one another: {', '.join(sorted(left))}"
        yield told(path=("steps", index, "after"), problem=problem, allowed=("steps that do not wait for it",))
