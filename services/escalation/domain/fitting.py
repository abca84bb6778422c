"""Which limit of a playbook fits a case, and what keeps the others from it; which goes first says ``PRECEDENCE``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from services.escalation.domain.facts import Traits
from services.escalation.domain.recent import Recent
from shared.events.order import Order
from shared.playbook.model import PRECEDENCE, ClockLimit, Limit, LimitUnit, Playbook
from shared.vocabulary import ClockKind, Severity, WhenLate, covers

SIGN_IN_DEFAULT: Final = ClockLimit(
    id="default-sign-in",
    kind=ClockKind.SIGN_IN,
    category=None,
    condition=None,
    severity=None,
    limit=Limit(amount=4, unit=LimitUnit.WORKING_HOUR),
    warn_at=(0.75,),
    when_late=WhenLate.OVERSEE,
    source="the default profile, for a playbook that limits no sign-in: no order goes without a clock",
)


SUPERVISE_DEFAULT: Final = ClockLimit(
    id="default-supervise",
    kind=ClockKind.SUPERVISE,
    category=None,
    condition=None,
    severity=None,
    limit=Limit(amount=1, unit=LimitUnit.NATURAL_DAY),
    warn_at=(0.8,),
    when_late=WhenLate.OVERSEE,
    source="the default profile, for a playbook that says nothing of supervision; its date is the supervisor's own",
)
DEFAULTS: Final = {ClockKind.SIGN_IN: SIGN_IN_DEFAULT, ClockKind.SUPERVISE: SUPERVISE_DEFAULT}


WHISTLED: Final = {
    kind: ClockLimit(
        id=f"default-whistle-{kind}",
        kind=kind,
        category=None,
        condition=None,
        severity=None,
        limit=Limit(amount=30, unit=LimitUnit.CONTINUOUS_MINUTE),
        warn_at=(0.5,),
        when_late=WhenLate.OVERSEE,
        source="the default profile, for a playbook that does not limit it: whoever is whistled for must report in",
        whistle=True,
    )
    for kind in (ClockKind.SIGN_IN, ClockKind.ARRIVE)
}


def limit_for(playbook: Playbook, kind: ClockKind, traits: Traits, *, order: Order | None = None) -> ClockLimit | None:
    """The limit that fits best.

    None when the playbook does not limit this; a sign-in and a supervision are always limited, and so is the
    arrival of whoever was whistled for.
    """
    profile = None if order is None else order.clock_profile
    whistled = order is not None and order.whistle is not None

    def best(limits: Sequence[ClockLimit]) -> ClockLimit | None:
        asked = Asked.of(playbook, traits, profile=profile, whistled=whistled)
        return max(_fitting(limits, kind, asked), key=lambda limit: _rank(limit, asked), default=None)

    # Asked for every clock that starts: of cases alike in all that a limit of their category asks for, once.
    left = _LEFT.of(playbook, (kind, traits.category), lambda: _left(playbook, kind, traits.category))
    if left.by_case:
        return best(left.limits)
    alike = (kind, traits.category, traits.condition, traits.severity, traits.mode, traits.source, profile, whistled)
    return _BEST.of(playbook, alike, lambda: best(left.limits))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Left:
    """The limits of one kind that a category leaves; ``by_case`` when one asks for a place or a day."""

    limits: tuple[ClockLimit, ...]
    by_case: bool


_LEFT: Final = Recent[_Left]()
_BEST: Final = Recent["ClockLimit | None"]()


def _left(playbook: Playbook, kind: ClockKind, category: str) -> _Left:
    codes = {one.code for one in playbook.category_line(category)}
    found = tuple(
        limit for limit in playbook.clocks if limit.kind is kind and (limit.category is None or limit.category in codes)
    )
    return _Left(limits=found, by_case=any(one.area or one.valid_from or one.valid_until for one in found))


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What limits are held against: a case and its order, with the depths of the categories that it stands under.

    ``day`` is the local day on which the case was opened, later moves of it notwithstanding; where that is not
    known no dated limit fits.
    """

    traits: Traits
    line: Mapping[str, int]
    day: date | None
    profile: str | None
    whistled: bool

    @classmethod
    def of(cls, playbook: Playbook, traits: Traits, *, profile: str | None = None, whistled: bool = False) -> Asked:
        """``traits`` under ``playbook``."""
        line = playbook.category_line(traits.category)
        opened = traits.opened_at
        return cls(
            traits=traits,
            line={category.code: depth for depth, category in enumerate(reversed(line), 1)},
            day=None if opened is None else opened.astimezone(ZoneInfo(playbook.timezone)).date(),
            profile=profile,
            whistled=whistled,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """What a limit asks for that the case is not: the field, what it asks, what the case has."""

    field: str
    asks: str
    has: str


def fitting_limits(playbook: Playbook, kind: ClockKind, asked: Asked) -> tuple[ClockLimit, ...]:
    """Every limit of ``playbook`` that fits, the best first; its default where there is one and nothing fits."""
    fitting = _fitting(playbook.clocks, kind, asked)
    return tuple(sorted(fitting, key=lambda limit: _rank(limit, asked), reverse=True))


def _fitting(limits: Iterable[ClockLimit], kind: ClockKind, asked: Asked) -> list[ClockLimit]:
    line = asked.line
    fitting = [
        limit
        for limit in limits
        # The category before all else: a city's table has hundreds of limits, and this is asked for every clock.
        if limit.kind is kind and (limit.category is None or limit.category in line)
        if next(_unmet(limit, asked), None) is None
    ]
    if fitting:
        return fitting
    default = DEFAULTS.get(kind)
    default = WHISTLED.get(kind, default) if asked.whistled else default
    return [] if default is None else [default]


def near_limits(playbook: Playbook, kind: ClockKind, asked: Asked) -> tuple[tuple[ClockLimit, Misfit], ...]:
    """Limits for the case's own categories that one thing alone keeps from it, the strongest first."""
    found = list[tuple[ClockLimit, Misfit]]()
    for limit in playbook.clocks:
        wrong = tuple(misfits(limit, asked)) if limit.kind is kind else ()
        if len(wrong) == 1 and wrong[0].field != "category":
            found.append((limit, wrong[0]))
    return tuple(sorted(found, key=lambda one: _rank(one[0], asked), reverse=True))


def misfits(limit: ClockLimit, asked: Asked) -> Iterator[Misfit]:
    """What keeps ``limit`` from the case, in words; nothing when it fits."""
    return (Misfit(field=field, asks=said(asks), has=said(has)) for field, asks, has in _unmet(limit, asked))


def _unmet(limit: ClockLimit, asked: Asked) -> Iterator[tuple[str, object, object]]:
    """What ``limit`` asks and the case is not: every clock that starts asks for it, and nobody wants its words then."""
    traits = asked.traits
    if limit.category is not None and limit.category not in asked.line:
        yield "category", limit.category, traits.category
    if limit.area is not None and not covers(limit.area, traits.area):
        yield "area", limit.area, traits.area
    for field, asks, has in (
        ("condition", limit.condition, traits.condition),
        ("severity", limit.severity, traits.severity),
        ("mode", limit.mode, traits.mode),
        ("profile", limit.profile, asked.profile),
        ("whistle", limit.whistle, asked.whistled),
        ("case_source", limit.case_source, traits.source),
    ):
        if asks is not None and asks != has:
            yield field, asks, has
    if (limit.valid_from or limit.valid_until) and (asked.day is None or not limit.holds_on(asked.day)):
        yield "validity", validity(limit), f"opened on {asked.day or 'an unknown day'}"


def validity(limit: ClockLimit) -> str:
    """The days of ``limit`` in words; nothing for always."""
    since = f"from {limit.valid_from}" if limit.valid_from else ""
    until = f"until {limit.valid_until}" if limit.valid_until else ""
    return " ".join(filter(None, (since, until)))


def said(value: object) -> str:
    """A value that a limit asks for, as a county writes it."""
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case Severity():
            return value.name
        case _:
            return str(value)


def _rank(limit: ClockLimit, asked: Asked) -> tuple[int, ...]:
    return tuple(_depth(name, getattr(limit, name), asked) for name in PRECEDENCE)


def _depth(name: str, value: object, asked: Asked) -> int:
    """How narrow a demand is; 0 where there is none."""
    if value is None:
        return 0
    if name == "category":
        return asked.line.get(str(value), 0)
    return len(str(value)) if name == "area" else 1
