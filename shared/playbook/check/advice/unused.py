"""Templates that are named and not there, or there and never named: matters, modes, zones, clock profiles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet

from shared.playbook.check.advice.advice import Advice, Subject, Weight
from shared.playbook.model import Channels, Playbook, Rule, RuleState, When
from shared.vocabulary import NORMAL, ModeKind


def advise_templates(playbook: Playbook) -> Iterator[Advice]:
    """Yield clock profiles that no limit has, and whatever no rule that is on refers to."""
    rules = [rule for rule in playbook.rules if rule.state is not RuleState.OFF]
    yield from _missing_profiles(playbook)
    profiles = {rule.sets.clock_profile for rule in rules}
    for index, clock in enumerate(playbook.clocks):
        if clock.profile is not None and clock.profile not in profiles:
            yield _unused(
                "clocks", index, f"clock {clock.id!r} of profile {clock.profile!r}", "no rule sets that profile"
            )
    yield from _each("matters", playbook.matters, {rule.matter for rule in rules}, "no rule opens it")
    zones = {zone for when in _whens(rules) for zone in when.zones}
    zones |= {zone for mode in playbook.modes.values() if mode.reroute for zone in mode.reroute.zones}
    yield from _each("zones", playbook.zones, zones, "no rule asks for it")
    yield from _idle_modes(playbook, rules)


def _missing_profiles(playbook: Playbook) -> Iterator[Advice]:
    known = {clock.profile for clock in playbook.clocks}
    for index, rule in enumerate(playbook.rules):
        profile = rule.sets.clock_profile
        if profile is not None and profile not in known:
            yield Advice(
                subject=Subject.MISSING,
                weight=Weight.MISTAKE,
                part="rules",
                item=index,
                path=("set", "clock_profile"),
                what=f"rule {rule.id!r} sets the clock profile {profile!r}, and no clock has it",
                why="its orders run by the limits that have no profile",
                mend="add limits of that profile to clocks.csv, or take it out of the rule",
            )


def _idle_modes(playbook: Playbook, rules: list[Rule]) -> Iterator[Advice]:
    overlaid = {mode for when in _whens(rules) for mode in when.modes}
    overlaid |= {clock.mode for clock in playbook.clocks if clock.mode is not None}
    for code, mode in playbook.modes.items():
        # A drill needs no overlay: it lets drill reports in and marks them.
        acts = mode.reroute is not None or mode.channels != Channels() or mode.kind is ModeKind.DRILL
        if code not in overlaid and not acts and code != NORMAL:
            yield _unused(
                "modes", code, f"mode {code!r}", "it overlays no rule, no clock and no channel: nothing changes in it"
            )


def _each(part: str, known: Iterable[str], used: AbstractSet[str | None], why: str) -> Iterator[Advice]:
    for code in known:
        if code not in used:
            yield _unused(part, code, f"{part[:-1]} {code!r}", why)


def _whens(rules: Iterable[Rule]) -> Iterator[When]:
    for rule in rules:
        yield from rule.around
        yield rule.when


def _unused(part: str, item: str | int, which: str, why: str) -> Advice:
    return Advice(
        subject=Subject.UNUSED,
        weight=Weight.LOOK,
        part=part,
        item=item,
        what=f"{which} is never used",
        why=why,
        mend="use it in a rule, or take it out",
    )
