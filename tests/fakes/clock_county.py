"""The small county with clocks of every kind, whole enough to be published."""

from dataclasses import replace
from datetime import date, time

from shared.playbook.model import (
    ClockLimit,
    Duty,
    Limit,
    LimitUnit,
    Officer,
    Playbook,
    Power,
    Roster,
    Shift,
    YearStatus,
)
from shared.vocabulary import ClockKind, Severity, Source, WhenLate
from tests.fakes.small_county import COUNTY, GAS_BUREAU, GAS_LEAK, small_county


def limit(
    kind: ClockKind,
    amount: float,
    unit: LimitUnit,
    *,
    late: WhenLate = WhenLate.OVERSEE,
    category: str | None = None,
    condition: str | None = None,
    severity: Severity | None = None,
    warn_at: tuple[float, ...] = (0.5, 0.8),
    mode: str | None = None,
    profile: str | None = None,
    whistle: bool | None = None,
    area: str | None = None,
    case_source: Source | None = None,
    valid: tuple[date | None, date | None] = (None, None),
) -> ClockLimit:
    return ClockLimit(
        id=f"{kind}-{category}-{condition}-{severity}-{mode}-{profile}-{whistle}-{area}-{case_source}-{valid[0]}",
        kind=kind,
        category=category,
        condition=condition,
        severity=severity,
        limit=Limit(amount=amount, unit=unit),
        warn_at=warn_at,
        when_late=late,
        source="made for tests",
        mode=mode,
        profile=profile,
        whistle=whistle,
        area=area,
        case_source=case_source,
        valid_from=valid[0],
        valid_until=valid[1],
    )


CLOCKS = (
    limit(ClockKind.DISPATCH, 15, LimitUnit.CONTINUOUS_MINUTE, late=WhenLate.NONE, warn_at=()),
    limit(ClockKind.SIGN_IN, 30, LimitUnit.CONTINUOUS_MINUTE, late=WhenLate.TAKE_OVER, warn_at=(0.8,)),
    limit(ClockKind.ARRIVE, 30, LimitUnit.CONTINUOUS_MINUTE, category=GAS_LEAK),
    limit(ClockKind.HANDLE, 2, LimitUnit.WORKING_DAY),
    limit(ClockKind.HANDLE, 2, LimitUnit.CONTINUOUS_HOUR, category=GAS_LEAK),
    limit(ClockKind.VERIFY, 30, LimitUnit.CONTINUOUS_MINUTE),
)


def clock_county(*, version: str = "1", speed: float = 1, clocks: tuple[ClockLimit, ...] = CLOCKS) -> Playbook:
    """Everything that publishing checks, and ``clocks``."""
    small = small_county(version=version)
    desks = [area.code for area in small.areas.values() if area.desk]
    officer = Officer(id="o1", name="值班员甲", phone="000-0001")
    shifts = [
        Shift(owner=owner, weekdays=(1, 2, 3, 4, 5, 6, 7), opens=time(0), closes=time(0), officers=(officer.id,))
        for owner in (*desks, GAS_BUREAU)
    ]
    roots = [category.code for category in small.categories.values() if category.parent is None]
    return replace(
        small,
        speed=speed,
        clocks=clocks,
        calendar=replace(small.calendar, years=dict.fromkeys(range(2020, 2041), YearStatus.PROVISIONAL)),
        duties=tuple(Duty(department=GAS_BUREAU, category=code, area=COUNTY, power=Power.HANDLE) for code in roots),
        roster=Roster(officers={officer.id: officer}, shifts=tuple(shifts)),
    )
