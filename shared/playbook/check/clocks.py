"""Limits of clocks: what they name is there, no two of equal rank are valid on one day, no order is without one."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Final, TypeAlias

from shared.playbook.check.finding import Finding
from shared.playbook.model import PRECEDENCE, ClockLimit, Playbook
from shared.playbook.near import meant, nearest
from shared.vocabulary import ClockKind

NEEDED_CLOCKS: Final = (ClockKind.SIGN_IN, ClockKind.HANDLE)
"""Kinds that must have a limit for any case, so that no order runs without a clock."""

Rank: TypeAlias = tuple[object, ...]
Numbered: TypeAlias = tuple[int, ClockLimit]


def check_clocks(playbook: Playbook) -> Iterator[Finding]:
    """Limits name known things, stand once, are never two for the same case, and leave no order without one."""
    ids = Counter(clock.id for clock in playbook.clocks)
    for index, clock in enumerate(playbook.clocks):
        if ids[clock.id] > 1:
            yield _found(index, "id", f"clock {clock.id!r} stands {ids[clock.id]} times")
        if list(clock.warn_at) != sorted(set(clock.warn_at)):
            yield _found(index, "warn_at", "warnings must rise and stand once")
        yield from _days(index, clock)
        yield from _named(index, clock, playbook)
    ranked = of_equal_rank(playbook)
    for alike in ranked.values():
        yield from _twice(alike)
    for kind in NEEDED_CLOCKS:
        if any_case(kind) not in ranked:
            problem = f"no limit of kind {kind.value!r} for any category: some orders would run without a clock"
            # Such a limit may stand in a row that could not be read.
            yield Finding(part="clocks", problem=problem, needs=("clocks",))


def any_case(kind: ClockKind) -> Rank:
    """The rank of a limit of `kind` that asks for nothing."""
    return kind, *(None for _ in PRECEDENCE)


def of_equal_rank(playbook: Playbook) -> dict[Rank, list[Numbered]]:
    """Return the limits with their places in the file, those of one kind that ask for the same by first day."""
    ranked: defaultdict[Rank, list[Numbered]] = defaultdict(list)
    for index, clock in enumerate(playbook.clocks):
        ranked[clock.kind, *clock.asks].append((index, clock))
    for alike in ranked.values():
        alike.sort(key=lambda one: (one[1].valid_from or date.min, one[0]))
    return ranked


def _twice(alike: Sequence[Numbered]) -> Iterator[Finding]:
    """Of limits of equal rank, each that is valid on a day on which one before it is."""
    longest: Numbered | None = None
    for index, clock in alike:
        if longest is not None and (clock.valid_from or date.min) <= (longest[1].valid_until or date.max):
            asked = ", ".join(PRECEDENCE)
            days = _common(clock, longest[1])
            problem = f"{clock.id!r} asks for the same {asked} as {longest[1].id!r}, and both are valid {days}"
            allowed = ("one of them", "days of validity that do not meet: valid_from, valid_until")
            yield _found(index, "kind", problem, allowed=allowed, other=longest[0])
        if longest is None or (clock.valid_until or date.max) > (longest[1].valid_until or date.max):
            longest = index, clock


def _common(one: ClockLimit, other: ClockLimit) -> str:
    first = max(one.valid_from or date.min, other.valid_from or date.min)
    last = min(one.valid_until or date.max, other.valid_until or date.max)
    since = "" if first == date.min else f"from {first}"
    until = "" if last == date.max else f"until {last}"
    return " ".join(filter(None, (since, until))) or "always"


def _days(index: int, clock: ClockLimit) -> Iterator[Finding]:
    first, last = clock.valid_from, clock.valid_until
    if first is not None and last is not None and last < first:
        problem = f"{last} is before {first}: it would never be valid"
        yield _found(index, "valid_until", problem, allowed=(f"{first} or later",))


def _named(index: int, clock: ClockLimit, playbook: Playbook) -> Iterator[Finding]:
    if clock.category is not None and clock.category not in playbook.categories:
        problem = f"no category {clock.category!r}{meant(clock.category, playbook.categories)}"
        near = nearest(clock.category, playbook.categories)
        yield _found(index, "category", problem, allowed=near, needs=("categories",))
    elif clock.condition is not None:
        yield from _condition(index, clock.category, clock.condition, playbook)
    if clock.mode is not None and clock.mode not in playbook.modes:
        problem = f"no mode {clock.mode!r}{meant(clock.mode, playbook.modes)}"
        allowed = nearest(clock.mode, playbook.modes) or ("a mode of modes.yaml",)
        yield _found(index, "mode", problem, allowed=allowed, needs=("modes",))
    if clock.area is not None and clock.area not in playbook.areas:
        problem = f"no area {clock.area!r}{meant(clock.area, playbook.areas)}"
        yield _found(index, "area", problem, allowed=nearest(clock.area, playbook.areas), needs=("areas",))


def _condition(index: int, category: str | None, condition: str, playbook: Playbook) -> Iterator[Finding]:
    if category is None:
        yield _found(index, "condition", "a condition needs its category")
        return
    known = [c.code for line in playbook.category_line(category) for c in line.conditions]
    if condition not in known:
        problem = f"{category} has no condition {condition!r}{meant(condition, known)}"
        yield _found(index, "condition", problem, allowed=tuple(known), needs=("categories",))


def _found(
    index: int,
    field: str,
    problem: str,
    *,
    allowed: tuple[str, ...] = (),
    needs: tuple[str, ...] = (),
    other: int | None = None,
) -> Finding:
    return Finding(part="clocks", item=index, path=(field,), problem=problem, allowed=allowed, needs=needs, other=other)
