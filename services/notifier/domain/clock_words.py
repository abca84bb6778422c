"""What clocks say, in words: they start, stop, move, warn and are late (steps of chains: ``step_words.py``)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from services.notifier.domain.step_words import step_whys, step_words
from services.notifier.domain.time_words import moment
from services.notifier.domain.words import ACTIONS, LEVELS, Names, lateness, office_words
from shared.events.sla import (
    ClockBreached,
    ClockEscalated,
    ClockMoved,
    ClockStarted,
    ClockStepped,
    ClockStopped,
    ClockWarned,
    Moved,
    Outcome,
    SlaEvent,
)
from shared.words import CLOCKS, Words, halves, limit_words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Limit:
    """A clock's limit by name: its kind, whose it is, and when it is due."""

    kind: Words
    of: Words
    due: str

    @classmethod
    def of_clock(cls, data: SlaEvent, names: Names) -> _Limit:
        clock = data.clock
        kind, due = CLOCKS[clock.kind], moment(clock.due_at)
        if clock.target is None:
            return cls(kind=kind, of=Words(zh="", en=""), due=due)
        whose = office_words(clock.target, data.case.area, names)
        return cls(kind=kind, of=Words(zh=f"{whose.zh}的", en=f" of {whose.en}"), due=due)


def clock_words(data: SlaEvent, names: Names) -> tuple[Words, str]:
    """The sentence of ``data``, and what was written beside it, as it came."""
    limit = _Limit.of_clock(data, names)
    match data:
        case ClockStarted() | ClockStopped() | ClockMoved():
            return _course(data, limit), ""
        case ClockWarned():
            return _warned(data, limit), ""
        case ClockBreached():
            return _breached(data, limit), ""
        case ClockEscalated():
            return _escalated(data, limit, names), data.reason
        case ClockStepped(instruction=instruction):
            return step_words(data, names), instruction
        case _:
            assert_never(data)


def clock_whys(data: SlaEvent, names: Names) -> tuple[Words, ...]:
    """How the limit came about, and for a step of a chain which one it is and why it was taken."""
    sums = halves(data.clock.arithmetic)
    told = Words(zh=f"时限推算：{sums.zh}", en=f"How the limit came about: {sums.en}")
    return (*step_whys(data, names), told) if isinstance(data, ClockStepped) else (told,)


def _course(data: ClockStarted | ClockStopped | ClockMoved, limit: _Limit) -> Words:
    kind, of = limit.kind, limit.of
    match data:
        case ClockStarted(clock=clock):
            return Words(
                zh=f"{of.zh}{kind.zh}开始计时，时限 {limit_words(clock.limit).zh}，{limit.due} 到期",
                en=f"The {kind.en} limit{of.en} runs from now on: {limit_words(clock.limit).en}, due {limit.due}",
            )
        case ClockStopped(outcome=Outcome.MET):
            return Words(zh=f"{of.zh}{kind.zh}计时停止：已完成", en=f"The {kind.en} limit{of.en} has stopped: done")
        case ClockStopped():
            return Words(
                zh=f"{of.zh}{kind.zh}计时取消：不再需要",
                en=f"The {kind.en} limit{of.en} is cancelled: nobody waits for it",
            )
        case ClockMoved(why=Moved.RESUMED):
            return Words(
                zh=f"{of.zh}{kind.zh}时限恢复计时，到 {limit.due}",
                en=f"The {kind.en} limit{of.en} runs again, until {limit.due}",
            )
        case ClockMoved():
            return Words(
                zh=f"{of.zh}{kind.zh}时限延至 {limit.due}", en=f"The {kind.en} limit{of.en} was put off to {limit.due}"
            )
        case _:
            assert_never(data)


def _warned(data: ClockWarned, limit: _Limit) -> Words:
    kind, of = limit.kind, limit.of
    zh = f"{of.zh}{kind.zh}时限已过 {data.fraction:.0%}，{limit.due} 到期"
    en = f"{data.fraction:.0%} of the {kind.en} limit{of.en} has passed; it is due {limit.due}"
    if not data.covers:
        return Words(zh=zh, en=en)
    others = len(data.covers)
    return Words(zh=f"{zh}（本案另外 {others} 个时限一并提示）", en=f"{en} (said for {others} more of its limits too)")


def _breached(data: ClockBreached, limit: _Limit) -> Words:
    kind, of, late = limit.kind, limit.of, lateness(data.late_seconds)
    words = Words(zh=f"{of.zh}{kind.zh}已超时{late.zh}", en=f"The {kind.en} limit{of.en} was missed{late.en}")
    if not data.nobody_above:
        return words
    return Words(zh=f"{words.zh}；县级之上无人接手", en=f"{words.en}; nobody is above the county")


def _escalated(data: ClockEscalated, limit: _Limit, names: Names) -> Words:
    to, how, level = office_words(data.to, data.case.area, names), ACTIONS[data.when_late], LEVELS[data.to_level]
    kind, of = limit.kind, limit.of
    if data.fired_at < data.clock.due_at:
        return Words(
            zh=f"{of.zh}{kind.zh}时限将到，升级到{level.zh}：{to.zh}{how.zh}",
            en=f"Before the {kind.en} limit{of.en} is over: moved up to the {level.en}, {to.en} {how.en}",
        )
    return Words(
        zh=f"{of.zh}{kind.zh}超时，升级到{level.zh}：{to.zh}{how.zh}",
        en=f"Late {kind.en}{of.en}: moved up to the {level.en}, {to.en} {how.en}",
    )
