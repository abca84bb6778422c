"""Small random playbooks and cases for them: few values, so that rules often meet, cover and contradict one another."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from services.router.domain.facts import Facts
from shared.events.parts import Place
from shared.playbook.model import (
    Area,
    Calendar,
    DayKind,
    Demand,
    Department,
    DeskTarget,
    Duty,
    EnforcementItem,
    Opening,
    Playbook,
    Power,
    Repeat,
    Rule,
    RuleState,
    Settlement,
    TimeWindow,
    When,
    YearStatus,
    Zone,
)
from shared.vocabulary import Level, OrderRole, Severity, Source, level_of
from tests.fakes.router import a_case
from tests.fakes.small_county import (
    COUNTY,
    EAST,
    EAST_VILLAGE,
    WEST,
    WEST_CELLS,
    WEST_VILLAGE,
    small_county,
    square,
    text,
)

T = TypeVar("T")
TODAY = date(2026, 11, 21)
ZONE = ZoneInfo("Asia/Shanghai")
AREAS = (COUNTY, WEST, EAST, WEST_VILLAGE, EAST_VILLAGE, WEST_CELLS[0])
CATEGORIES = ("03", "03.001", "01", "99")
WORDS = ("气", "漏气", "水", "Gas")
TEXTS = ("漏气了", "煤气", "停水", "GAS 漏气 水", "别的")
TAGS = ("a", "b", "c")
MODES = ("normal", "flood", "drill")
EXPRESSIONS = ("severity <= 2", "reports >= 2")
ZONES = {
    "school": Zone(id="school", name=text("学校"), polygons=(square(100, 25),)),
    "river": Zone(id="river", name=text("河"), polygons=(square(100.5, 25.5),)),
    "far": Zone(id="far", name=text("远"), polygons=(square(101.8, 26.8),)),
}
POINTS = ((100.2, 25.2), (100.7, 25.7), (101.2, 26.2), (102.0, 27.0), (101.5, 25.1))
HOURS = (time(8), time(12), time(18), time(22))


def random_playbook(chance: Random, *, only: str | None = None) -> Playbook:
    """Return a playbook of up to ten rules; with ``only`` all their conditions are of that field of `When`."""
    county = small_county()
    rules = tuple(_rule(number, chance, only) for number in range(chance.randint(2, 10)))
    areas = {code: replace(area, settlement=_settlement(area, chance)) for code, area in county.areas.items()}
    return replace(county, areas=areas, zones=ZONES, rules=rules, calendar=_calendar(county.calendar))


def random_duties(chance: Random) -> Playbook:
    """Return a playbook of four departments with a few duties each, some of them to enforce."""
    county = small_county()
    homes = {"a": COUNTY, "b": COUNTY, "c": WEST, "d": WEST}
    departments = {
        code: Department(id=code, name=text(code), level=level_of(home), area=home) for code, home in homes.items()
    }
    categories = {
        code: replace(category, power=chance.choice((Power.HANDLE, Power.ENFORCE)))
        for code, category in county.categories.items()
    }
    duties, items = [], []
    for number in range(chance.randint(3, 9)):
        department, category = chance.choice(tuple(homes)), chance.choice(tuple(categories))
        area = chance.choice([code for code in county.areas if code.startswith(homes[department])])
        power = chance.choice((Power.HANDLE, Power.HANDLE, Power.ASSIST))
        duties.append(Duty(department=department, category=category, area=area, power=power))
        if chance.random() < 0.5:
            item = EnforcementItem(
                code=f"e{number}",
                name=text("事项"),
                department=department,
                category=category,
                area=area,
                basis="法",
            )
            items.append(item)
    rules = (replace(county.rules[0], when=When()),)
    return replace(
        county,
        departments=departments,
        categories=categories,
        duties=tuple(dict.fromkeys(duties)),
        enforcement=tuple(items),
        rules=rules,
    )


def random_facts(chance: Random) -> Facts:
    """Return a case of that county at some moment of two weeks, or of a year that its calendar does not know."""
    year = 2031 if chance.random() < 0.05 else 2026
    at = datetime(year, 11, 21, tzinfo=ZONE) + timedelta(minutes=chance.randrange(14 * 24 * 60))
    ago = sorted(at - timedelta(hours=chance.choice((1, 10, 30, 100))) for _ in range(chance.randint(0, 4)))
    case = a_case(
        chance.choice((*AREAS, f"{EAST_VILLAGE}009")),
        chance.choice((*CATEGORIES, "77")),
        case_id=UUID(int=chance.getrandbits(128), version=4),
        severity=chance.choice(tuple(Severity)),
        source=chance.choice(tuple(Source)),
        tags=tuple(chance.sample(TAGS, chance.randint(0, 2))),
        reports=chance.randint(1, 3),
        mode=chance.choice(MODES),
        place=Place(lon=(point := chance.choice(POINTS))[0], lat=point[1]) if chance.random() < 0.7 else None,
        earlier=tuple(reversed(ago)),
        opened_at=at,
    )
    return Facts.of(case, chance.choice(TEXTS), at=at)


def _rule(number: int, chance: Random, only: str | None) -> Rule:
    state = chance.choices((RuleState.ACTIVE, RuleState.SHADOW, RuleState.OFF), weights=(8, 1, 1))[0]
    goes_on = chance.random() < 0.25
    begins = TODAY + timedelta(days=chance.randint(-9, 9)) if chance.random() < 0.15 else None
    ends = TODAY + timedelta(days=chance.randint(-9, 9)) if chance.random() < 0.15 else None
    return Rule(
        id=f"r{number}",
        version="1",
        title=text(f"规则{number}"),
        when=_when(chance, asks=chance.choice((0, 1, 1, 2, 3)), only=only),
        demands=(Demand(role=OrderRole.LEAD, target=DeskTarget(level=chance.choice((Level.COUNTY, Level.TOWN)))),),
        because=text("如此"),
        goes_on=goes_on,
        around=tuple(_when(chance, asks=1, only=only) for _ in range(chance.choice((0, 0, 0, 1, 2)))),
        state=state,
        valid_from=begins,
        valid_until=ends,
    )


def _when(chance: Random, *, asks: int, only: str | None) -> When:
    asked = chance.sample(FIELDS, asks) if only is None else [only] * min(asks, 1)
    return When(**{field: _MADE[field](chance) for field in asked})


def random_window(chance: Random) -> TimeWindow:
    """Return a time window of a few different hours and days."""
    opens, closes = chance.choice(HOURS), chance.choice(HOURS)
    hours = chance.random() < 0.7
    return TimeWindow(
        weekdays=chance.choice(((), (1, 2, 3, 4, 5), (6, 7), (chance.randint(1, 7),))),
        opens=opens if hours else None,
        closes=closes if hours else None,
        days=chance.choice((None, None, *DayKind)),
    )


def _some(values: Sequence[T], chance: Random) -> tuple[T, ...]:
    return tuple(chance.sample(values, chance.randint(1, 2)))


def _settlement(area: Area, chance: Random) -> Settlement | None:
    return chance.choice((None, *Settlement)) if area.level is not Level.COUNTY else None


def _calendar(calendar: Calendar) -> Calendar:
    open_all = (Opening(opens=time(8), closes=time(18)),)
    return replace(
        calendar,
        weekly=dict.fromkeys(range(1, 6), open_all) | {6: (), 7: ()},
        makeup_hours=open_all,
        holidays={date(2026, 11, 25): "节"},
        makeup_days={date(2026, 11, 28): "调休"},
        years={2026: YearStatus.ANNOUNCED},
    )


_MADE: dict[str, Callable[[Random], Any]] = {
    "areas": lambda chance: _some(AREAS, chance),
    "categories": lambda chance: _some(CATEGORIES, chance),
    "sources": lambda chance: _some(tuple(Source)[:3], chance),
    "severity_at_least": lambda chance: chance.choice(tuple(Severity)),
    "tags": lambda chance: _some(TAGS, chance),
    "words": lambda chance: _some(WORDS, chance),
    "zones": lambda chance: _some(tuple(ZONES), chance),
    "settlements": lambda chance: (chance.choice(tuple(Settlement)),),
    "reports_at_least": lambda chance: chance.randint(2, 3),
    "repeat": lambda chance: Repeat(times=chance.randint(1, 3), hours=chance.choice((12.0, 48.0))),
    "windows": lambda chance: tuple(random_window(chance) for _ in range(chance.randint(1, 2))),
    "modes": lambda chance: _some(MODES, chance),
    "expression": lambda chance: chance.choice(EXPRESSIONS),
}
FIELDS = tuple(_MADE)
"""Every field of `When`."""
