"""Random small counties: two towns, four villages, six departments, and whatever they decided."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Final

from shared.playbook.model import (
    Area,
    CaseField,
    Demand,
    Department,
    DepartmentTarget,
    DeskTarget,
    Duty,
    DutyTarget,
    FieldTarget,
    Matter,
    Mode,
    Playbook,
    Policy,
    Power,
    Rule,
    RuleState,
    Settings,
    Settle,
    Step,
    Target,
    When,
)
from shared.vocabulary import NORMAL, Level, ModeKind, OrderRole, Severity
from tests.fakes.small_county import CATEGORIES, COUNTY, EAST, GAS, GAS_LEAK, OTHER, WATER, WEST, small_county, text

VILLAGES: Final = ("990101001001", "990101001002", "990101002001", "990101002002")
DEPARTMENTS: Final = ("gas-bureau", "police", "west-station", "west-police", "east-station", "east-police")
TAGS: Final = ("mass", "dept:police", "dept:west-station")
MODES: Final = ("flood", "typhoon")
CASE_CATEGORIES: Final = (GAS_LEAK, "01.001", OTHER, "77.777")
STEPS: Final = ("look", "close-off", "repair", "clean")


def county(seed: int) -> Playbook:
    """Return a county whose duties, rules, matter, modes and allowance of returns are any; the same seed, the same."""
    chance = Random(seed)
    return replace(
        small_county(policy=Policy(returns_allowed=chance.randint(0, 3))),
        areas={area.code: area for area in _areas(chance)},
        cells=(),
        departments={name: _department(name) for name in DEPARTMENTS},
        duties=tuple(_duties(chance)),
        rules=tuple(_rule(chance, number) for number in range(chance.randint(0, 6))),
        matters={"joint": _matter(chance)},
        modes={mode: _mode(chance, mode) for mode in MODES},
    )


def _areas(chance: Random) -> Iterator[Area]:
    yield Area(code=COUNTY, name=text("小县"), level=Level.COUNTY, parent=None, kind="县")
    for town in (WEST, EAST):
        yield Area(code=town, name=text(town), level=Level.TOWN, parent=COUNTY, kind="镇")
    for village in VILLAGES:
        desk = chance.random() < 0.7
        yield Area(code=village, name=text(village), level=Level.VILLAGE, parent=village[:9], kind="村", desk=desk)


def _department(name: str) -> Department:
    seat = {"west": WEST, "east": EAST}.get(name.partition("-")[0], COUNTY)
    return Department(id=name, name=text(name), level=Level.COUNTY if seat == COUNTY else Level.TOWN, area=seat)


def _duties(chance: Random) -> Iterator[Duty]:
    for _ in range(chance.randint(0, 12)):
        yield Duty(
            department=chance.choice(DEPARTMENTS),
            category=chance.choice(CATEGORIES).code,
            area=chance.choice((COUNTY, WEST, EAST, *VILLAGES)),
            power=chance.choice((Power.HANDLE, Power.HANDLE, Power.ASSIST)),
        )


def _rule(chance: Random, number: int) -> Rule:
    lead = Demand(role=OrderRole.LEAD, target=_target(chance))
    others = [Demand(role=chance.choice(list(OrderRole)), target=_target(chance)) for _ in range(chance.randint(0, 3))]
    leads = chance.random() < 0.7
    return Rule(
        id=f"r{number}",
        version="1",
        title=text(f"规则{number}"),
        when=_when(chance, modes=True),
        demands=(lead, *others) if leads or not others else tuple(others),
        because=text("如此规定"),
        goes_on=chance.random() < 0.4,
        state=RuleState.SHADOW if chance.random() < 0.15 else RuleState.ACTIVE,
        sets=Settings(
            severity=chance.choice((None, None, Severity.I)),
            tags=chance.choice(((), ("mass",))),
            clock_profile=chance.choice((None, "quick")),
        ),
        matter="joint" if chance.random() < 0.5 else None,
    )


def _target(chance: Random) -> Target:
    return chance.choice(
        (
            DeskTarget(level=chance.choice(list(Level))),
            DepartmentTarget(department=chance.choice(DEPARTMENTS)),
            DepartmentTarget(department=chance.choice(DEPARTMENTS)),
            DutyTarget(power=chance.choice((None, *Power))),
            DutyTarget(),
            FieldTarget(of=CaseField.TAG, prefix="dept:"),
        )
    )


def _when(chance: Random, *, modes: bool) -> When:
    return When(
        areas=chance.choice(((), (), (WEST,), (COUNTY,))),
        categories=chance.choice(((), (), (), (GAS,), (WATER,), (GAS_LEAK, OTHER))),
        severity_at_least=chance.choice((None, None, None, Severity.II)),
        tags=chance.choice(((), (), (), ("mass",))),
        words=chance.choice(((), (), (), ("漏气",))),
        modes=chance.choice(((), (), (), ("flood",), ("flood", "typhoon"), (NORMAL,))) if modes else (),
    )


def _matter(chance: Random) -> Matter:
    """A graph without circles: a step waits for earlier ones only."""
    ids = STEPS[: chance.randint(1, len(STEPS))]
    steps = tuple(
        Step(
            id=step,
            title=text(step),
            target=_target(chance),
            after=tuple(before for before in ids[:place] if chance.random() < 0.6),
        )
        for place, step in enumerate(ids)
    )
    return Matter(id="joint", title=text("一件事"), steps=steps)


def _mode(chance: Random, mode: str) -> Mode:
    return Mode(
        id=mode,
        title=text(mode),
        kind=ModeKind.EMERGENCY,
        level=Level.COUNTY,
        grade=Severity.II,
        reroute=chance.choice((None, When(), When(), _when(chance, modes=False))),
        settle=chance.choice(list(Settle)),
    )
