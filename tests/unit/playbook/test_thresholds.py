"""What the check says of two instants before any clock runs holds of every clock: compared with reckoned deadlines."""

from datetime import UTC, datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest

from services.escalation.domain.deadline import Terms, after, elapsed, span
from services.escalation.domain.planning import Ground, plan
from shared.playbook.check.thresholds import WORKING, comes_after, in_words, is_due, lies_before
from shared.playbook.model import Anchor, Limit, LimitUnit, Playbook, Threshold

ZONE = ZoneInfo("Asia/Shanghai")
DAY_HOURS = 8.0
SPANNED = (Anchor.BEFORE, Anchor.AFTER, Anchor.SINCE)
MOST_HOURS = {LimitUnit.CONTINUOUS_MINUTE: 600, LimitUnit.WORKING_DAY: 6, LimitUnit.NATURAL_DAY: 8}


def any_limit(chance: Random) -> Limit:
    unit = chance.choice(list(LimitUnit))
    return Limit(amount=float(chance.randint(1, MOST_HOURS.get(unit, 40))), unit=unit)


def any_threshold(chance: Random) -> Threshold:
    match chance.choice(list(Anchor)):
        case Anchor.PASSED:
            return Threshold(anchor=Anchor.PASSED, fraction=chance.choice((0.1, 0.5, 0.8, 0.99)))
        case Anchor.DAY_END:
            return Threshold(anchor=Anchor.DAY_END, days=chance.randint(0, 8))
        case Anchor.DUE:
            return Threshold(anchor=Anchor.DUE)
        case anchor:
            return Threshold(anchor=anchor, span=any_limit(chance))


def instant(at: Threshold, start: datetime, limit: Limit, terms: Terms) -> datetime | None:
    """When `at` comes for a clock of `limit`; None for working time before the end of one that runs through nights."""
    whole = span(limit, terms=terms)
    due = after(start, whole, limit.unit, terms=terms).due_at
    if at.span is None:
        if at.days is not None:
            day = start.astimezone(ZONE).date() + timedelta(days=at.days + 1)
            return datetime.combine(day, time(), tzinfo=ZONE)
        return due if at.fraction is None else after(start, whole * at.fraction, limit.unit, terms=terms).due_at
    length = span(at.span, terms=terms)
    if at.anchor is not Anchor.BEFORE:
        return after(start if at.anchor is Anchor.SINCE else due, length, at.span.unit, terms=terms).due_at
    if at.span.unit not in WORKING:
        return due - length
    if limit.unit not in WORKING:
        return None
    return after(start, max(whole - length, timedelta()), limit.unit, terms=terms).due_at


def test_what_is_said_to_come_after_does_so_for_every_clock(yunlu: Playbook) -> None:
    chance, terms = Random(20261121), Terms.of(yunlu)
    said = 0
    for _ in range(20_000):
        one, other, limit = any_threshold(chance), any_threshold(chance), any_limit(chance)
        if not comes_after(one, other, day_hours=DAY_HOURS):
            continue
        start = datetime(2026, 9, 25, tzinfo=UTC) + timedelta(minutes=chance.randrange(40 * 24 * 60))
        late, early = instant(one, start, limit, terms), instant(other, start, limit, terms)
        if late is None or early is None or start in (late, early):
            # A stretch longer than the limit is cut off at the start; `lies_before` refuses it.
            continue
        said += 1
        assert late > early, f"{in_words(one)} and {in_words(other)} of {limit} from {start}"
    assert said > 3000


def test_what_is_said_to_lie_before_the_start_does_so_for_every_clock(yunlu: Playbook) -> None:
    chance, terms = Random(20261122), Terms.of(yunlu)
    said = 0
    for _ in range(5000):
        at, limit = Threshold(anchor=Anchor.BEFORE, span=any_limit(chance)), any_limit(chance)
        if not lies_before(at, limit, day_hours=DAY_HOURS):
            continue
        said += 1
        start = datetime(2026, 9, 25, tzinfo=UTC) + timedelta(minutes=chance.randrange(40 * 24 * 60))
        due = after(start, span(limit, terms=terms), limit.unit, terms=terms).due_at
        assert at.span is not None
        assert elapsed(start, due, at.span.unit, terms=terms) <= span(at.span, terms=terms)
    assert said > 1000


def test_the_steps_of_every_limit_that_ships_come_in_the_order_of_their_ladder(yunlu: Playbook) -> None:
    chance, terms = Random(20261123), Terms.of(yunlu)
    for limit in yunlu.clocks:
        chain = yunlu.chains[limit.chain] if limit.chain is not None else None
        for _ in range(0 if chain is None else 5):
            start = datetime(2026, 9, 25, tzinfo=UTC) + timedelta(minutes=chance.randrange(60 * 24 * 60))
            whole = span(limit.limit, terms=terms)
            found = after(start, whole, limit.limit.unit, terms=terms)
            ground = Ground(started_at=start, found=found, whole=whole, unit=limit.limit.unit, terms=terms)
            assert chain is not None
            first = [step for step in plan(chain, ground) if step.nth == 1]
            assert first[0].at > start, (limit.id, start)
            # What a chain counts from the start and what it counts from the deadline may cross: none that ships mixes.
            assert [step.step for step in first] == [step.id for step in chain.steps], (limit.id, start)


def hours(amount: float, unit: LimitUnit = LimitUnit.WORKING_HOUR) -> Limit:
    return Limit(amount=amount, unit=unit)


@pytest.mark.parametrize(
    ("one", "other", "later"),
    (
        (Threshold(anchor=Anchor.AFTER, span=hours(9)), Threshold(anchor=Anchor.AFTER, span=hours(8)), True),
        (Threshold(anchor=Anchor.AFTER, span=hours(8)), Threshold(anchor=Anchor.AFTER, span=hours(8)), False),
        (
            Threshold(anchor=Anchor.AFTER, span=hours(9)),
            Threshold(anchor=Anchor.AFTER, span=hours(1, LimitUnit.WORKING_DAY)),
            True,
        ),
        (
            Threshold(anchor=Anchor.AFTER, span=hours(8)),
            Threshold(anchor=Anchor.AFTER, span=hours(1, LimitUnit.WORKING_DAY)),
            False,
        ),
        (Threshold(anchor=Anchor.BEFORE, span=hours(1)), Threshold(anchor=Anchor.BEFORE, span=hours(2)), True),
        (Threshold(anchor=Anchor.DUE), Threshold(anchor=Anchor.PASSED, fraction=0.99), True),
        (Threshold(anchor=Anchor.PASSED, fraction=0.5), Threshold(anchor=Anchor.BEFORE, span=hours(2)), False),
        (Threshold(anchor=Anchor.DUE), Threshold(anchor=Anchor.SINCE, span=hours(2)), False),
        (
            Threshold(anchor=Anchor.DAY_END, days=1),
            Threshold(anchor=Anchor.SINCE, span=hours(24, LimitUnit.CONTINUOUS_HOUR)),
            False,
        ),
        (
            Threshold(anchor=Anchor.DAY_END, days=2),
            Threshold(anchor=Anchor.SINCE, span=hours(1, LimitUnit.NATURAL_DAY)),
            True,
        ),
    ),
    ids=str,
)
def test_boundaries_of_what_comes_after(one: Threshold, other: Threshold, *, later: bool) -> None:
    assert comes_after(one, other, day_hours=DAY_HOURS) is later


@pytest.mark.parametrize(
    ("at", "limit", "due"),
    (
        (Threshold(anchor=Anchor.DUE), hours(4), True),
        (Threshold(anchor=Anchor.SINCE, span=hours(8)), hours(1, LimitUnit.WORKING_DAY), True),
        (Threshold(anchor=Anchor.SINCE, span=hours(8)), hours(8, LimitUnit.CONTINUOUS_HOUR), False),
        (Threshold(anchor=Anchor.AFTER, span=hours(8)), hours(8), False),
    ),
    ids=str,
)
def test_what_is_the_very_deadline(at: Threshold, limit: Limit, *, due: bool) -> None:
    assert is_due(at, limit, day_hours=DAY_HOURS) is due
