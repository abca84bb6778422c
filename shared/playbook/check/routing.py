"""Routing rules: they name what exists, lead somewhere, and can be reached."""

from collections import Counter
from collections.abc import Iterator

from shared.playbook.check.conditions import Conditions, Told, told_of
from shared.playbook.check.finding import Finding, unknown
from shared.playbook.check.targets import check_demands
from shared.playbook.model import Playbook, Rule, RuleState, When
from shared.vocabulary import NORMAL, ModeKind, OrderRole


def check_rules(playbook: Playbook) -> Iterator[Finding]:
    """Every rule refers to known things, and no rule stands behind one that always ends the walk."""
    counts = Counter(rule.id for rule in playbook.rules)
    conditions = Conditions.of(playbook)
    profiles = {clock.profile for clock in playbook.clocks if clock.profile is not None}
    ends = _Ends()
    for index, rule in enumerate(playbook.rules):
        told = told_of("rules", index)
        if counts[rule.id] > 1:
            yield told(path=("id",), problem=f"rule {rule.id!r} stands {counts[rule.id]} times")
        ended_by = ends.before(rule)
        if ended_by is not None:
            yield told(problem=f"can never match: {ended_by!r} before it takes every such case and ends the walk")
        yield from conditions.check(rule.when, ("when",), told)
        yield from check_demands(rule, playbook, told)
        yield from _asks(rule, told)
        yield from _dates(rule, told)
        yield from _settings(rule, playbook, profiles, told=told)
    yield from _groups(playbook, conditions)


class _Ends:
    """Rules that take every case of their groups and end the walk there."""

    def __init__(self) -> None:
        self._by_groups: dict[tuple[str, ...], str] = {}

    def before(self, rule: Rule) -> str | None:
        """Return the id of an earlier rule that leaves nothing for `rule`, then remember `rule`."""
        prefixes = (rule.groups[:depth] for depth in range(len(rule.groups) + 1))
        ended = next((self._by_groups[prefix] for prefix in prefixes if prefix in self._by_groups), None)
        always = rule.state is RuleState.ACTIVE and rule.valid_from is None and rule.valid_until is None
        if always and rule.when == When() and not rule.goes_on:
            # Groups that ask nothing hold for every case: the end reaches beyond them.
            depth = max((depth for depth, when in enumerate(rule.around, 1) if when != When()), default=0)
            self._by_groups.setdefault(rule.groups[:depth], rule.id)
        return ended


def _asks(rule: Rule, told: Told) -> Iterator[Finding]:
    leads = any(demand.role is OrderRole.LEAD for demand in rule.demands)
    if not leads and not rule.goes_on:
        problem = "a rule that ends the walk must name who leads"
        yield told(path=("lead",), problem=problem, allowed=("a lead, or continue: true",))
    if not leads and rule.matter is not None:
        problem = "a matter is run by the lead of the case, and the rule names none"
        yield told(path=("matter",), problem=problem, allowed=("a lead beside it",))
    if not rule.demands:
        yield told(problem="the rule asks nobody", allowed=("lead, assist or oversee",))


def _dates(rule: Rule, told: Told) -> Iterator[Finding]:
    if rule.valid_from is not None and rule.valid_until is not None and rule.valid_until < rule.valid_from:
        problem = f"{rule.valid_until} is before {rule.valid_from}: it would never hold"
        yield told(path=("valid", "until"), problem=problem, allowed=(f"{rule.valid_from} or later",))


def _settings(rule: Rule, playbook: Playbook, profiles: set[str], *, told: Told) -> Iterator[Finding]:
    emergencies = {mode.id for mode in playbook.modes.values() if mode.kind is ModeKind.EMERGENCY}
    named = (
        (("matter",), rule.matter, playbook.matters, "matter", "matters"),
        (("set", "clock_profile"), rule.sets.clock_profile, profiles, "clock profile", "clocks"),
    )
    for path, value, known, what, needs in named:
        if value is not None:
            for _, problem, allowed in unknown((value,), known, what=what):
                yield told(path=path, problem=problem, allowed=allowed, needs=(needs,))
    mode = rule.sets.mode
    if mode == NORMAL:
        problem = "no rule leaves a mode: that takes two persons"
        yield told(path=("set", "mode"), problem=problem, allowed=tuple(sorted(emergencies)), needs=("modes",))
    elif mode is not None:
        for _, problem, allowed in unknown((mode,), emergencies, what="emergency mode"):
            yield told(path=("set", "mode"), problem=problem, allowed=allowed, needs=("modes",))


def _groups(playbook: Playbook, conditions: Conditions) -> Iterator[Finding]:
    """Check the conditions of each group once, however many rules stand in it."""
    groups = {name: when for rule in playbook.rules for name, when in zip(rule.groups, rule.around, strict=False)}
    for name, when in groups.items():
        yield from conditions.check(when, ("when",), told_of("groups", name))
    for index, rule in enumerate(playbook.rules):
        if len(rule.groups) != len(rule.around):
            yield Finding(part="rules", item=index, problem="each of its groups needs its conditions, and no more")
