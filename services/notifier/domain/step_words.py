"""What a step of a chain (升级链) says: who was told and how often, by when to reply, how late it is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, assert_never

from services.notifier.domain.time_words import moment
from services.notifier.domain.words import ACTIONS, Names, beginning, office_words
from shared.events.sla import ClockStepped, Told
from shared.vocabulary import ChainAction, Post, WhenLate
from shared.words import CLOCKS, Words, halves

MINUTE: Final = timedelta(minutes=1)
OUTAGE: Final = timedelta(minutes=1)
"""How late a step must be for the line to say so."""
_POSTS: Final = {
    Post.OFFICER: Words(zh="值班员", en="on duty"),
    Post.LEADER: Words(zh="带班领导", en="leader on duty"),
}
_NOTHING: Final = Words(zh="", en="")


def step_words(data: ClockStepped, names: Names) -> Words:
    """The line of the step: what is done to whom, how the limit stands, and what it stands for after an outage."""
    done, copies = _done(data, names), _copies(data, names)
    named = data.action is not ChainAction.CIRCULATE and any(one.target == data.clock.target for one in data.to)
    stands = how_it_stands(data, names, named=named)
    nth = Words(zh=f"第 {data.nth} 次", en=f" ({ordinal(data.nth)} time)") if data.nth > 1 else _NOTHING
    after = _after_an_outage(data, names)
    return Words(
        zh=f"{nth.zh}{done.zh}：{stands.zh}{copies.zh}{after.zh}",
        en=f"{done.en}{nth.en}: {stands.en}{copies.en}{after.en}",
    )


def circular_words(data: ClockStepped, names: Names) -> Words:
    """The line of a circular (通报) for those who may not see the case: who is late and by how much, nothing else."""
    stands = how_it_stands(data, names)
    return Words(zh=f"全县通报：{stands.zh}", en=f"Made known to the whole county: {stands.en}")


def step_whys(data: ClockStepped, names: Names) -> tuple[Words, ...]:
    """Which step of which chain it is, when it was planned, and escalation's own reason."""
    chain, step = names.chain(data.case.area, data.chain), names.step(data.case.area, data.chain, data.step)
    planned, reason = moment(data.planned_at), halves(data.reason)
    return (
        Words(zh=reason.zh, en=reason.en),
        Words(
            zh=f"升级链「{chain.zh}」的「{step.zh}」，应于 {planned} 执行",
            en=f"Step '{step.en}' of the chain '{chain.en}', planned for {planned}",
        ),
    )


def how_it_stands(data: ClockStepped, names: Names, *, named: bool = False) -> Words:
    """How the clock stands at the step: still to run, due now, or late, and by how much.

    Whose it is is left out where the line has ``named`` them.
    """
    clock, of = data.clock, _whose(data, names, named=named)
    rest = clock.due_at - data.fired_at
    if timedelta(0) < rest < MINUTE:
        return Words(zh=f"{of.zh}时限还剩不到 1 分钟", en=f"{of.en} has less than a minute left")
    if -MINUTE < rest <= timedelta(0):
        return Words(zh=f"{of.zh}时限已到", en=f"{of.en} is over now")
    long = span(abs(rest))
    if rest > timedelta(0):
        due = moment(clock.due_at)
        return Words(zh=f"{of.zh}时限还剩 {long.zh}，{due} 到期", en=f"{of.en} has {long.en} left and ends {due}")
    return Words(zh=f"{of.zh}已逾期 {long.zh}", en=f"{of.en} was missed {long.en} ago")


def _whose(data: ClockStepped, names: Names, *, named: bool) -> Words:
    kind, target = CLOCKS[data.clock.kind], data.clock.target
    if named:
        return Words(zh=kind.zh, en=f"its {kind.en} limit")
    if target is None:
        return Words(zh=kind.zh, en=f"the {kind.en} limit")
    whose = office_words(target, data.case.area, names)
    return Words(zh=f"{whose.zh}的{kind.zh}", en=f"the {kind.en} limit of {whose.en}")


def ordinal(n: int) -> str:
    """A number in English as one of a row."""
    teens = n % 100 in (11, 12, 13)
    return f"{n}{'th' if teens else {1: 'st', 2: 'nd', 3: 'rd'}.get(n % 10, 'th')}"


def span(length: timedelta) -> Words:
    """A length of time in its two largest units, from a minute up."""
    minutes = int(length / MINUTE)
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return _two((days, "天", "d"), (hours, "小时", "h"))
    if hours:
        return _two((hours, "小时", "h"), (rest, "分", "min"))
    return Words(zh=f"{rest} 分钟", en=f"{rest} min")


def _two(first: tuple[int, str, str], second: tuple[int, str, str]) -> Words:
    shown = [one for one in (first, second) if one[0]]
    return Words(zh=" ".join(f"{n} {zh}" for n, zh, _ in shown), en=" ".join(f"{n} {en}" for n, _, en in shown))


def _done(data: ClockStepped, names: Names) -> Words:
    to = _all_told(data.to, data.case.area, names)
    match data.action:
        case ChainAction.URGE:
            return Words(zh=f"催办{to.zh}", en=f"Urged {to.en}")
        case ChainAction.NOTIFY:
            return Words(zh=f"告知{to.zh}", en=f"Told {to.en}")
        case ChainAction.OVERSEE | ChainAction.TAKE_OVER:
            return _upwards(data, to)
        case ChainAction.SUPERVISE:
            by, whom = _by(data.reply_due_at), beginning(to)
            return Words(zh=f"向{to.zh}下达督办指令{by.zh}", en=f"{whom.en} is given an instruction{by.en}")
        case ChainAction.CIRCULATE:
            return Words(zh="全县通报", en="Made known to the whole county")
        case _:
            assert_never(data.action)


def _upwards(data: ClockStepped, to: Words) -> Words:
    """Who above takes hold; above the county's desk its head is told, for nobody is left to move up to."""
    if any(one.post is Post.LEADER for one in data.to):
        return Words(zh=f"县级平台之上再无平台，报告{to.zh}", en=f"No desk is left to move up to: reported to {to.en}")
    how = ACTIONS[WhenLate.OVERSEE if data.action is ChainAction.OVERSEE else WhenLate.TAKE_OVER]
    return Words(zh=f"升级，由{to.zh}{how.zh}", en=f"Moved up: {to.en} {how.en}")


def _by(due_at: datetime | None) -> Words:
    if due_at is None:
        return _NOTHING
    return Words(zh=f"，{moment(due_at)} 前回复", en=f" and replies by {moment(due_at)}")


def _copies(data: ClockStepped, names: Names) -> Words:
    if not data.copies:
        return _NOTHING
    told = _all_told(data.copies, data.case.area, names)
    return Words(zh=f"；抄送{told.zh}", en=f"; copied to {told.en}")


def _all_told(told: Sequence[Told], area: str, names: Names) -> Words:
    each = [_told(one, area, names) for one in told]
    if not each:
        return Words(zh="（无人）", en="nobody")
    return Words(zh="、".join(one.zh for one in each), en=", ".join(one.en for one in each))


def _told(one: Told, area: str, names: Names) -> Words:
    office, post = office_words(one.target, area, names), _POSTS[one.post]
    if not one.officers:
        return Words(zh=f"{office.zh}（无{post.zh}在班）", en=f"{office.en} (no {_missing(one.post)})")
    people = [names.officer(area, officer) for officer in one.officers]
    return Words(zh=f"{office.zh}（{post.zh} {'、'.join(people)}）", en=f"{office.en} ({post.en}: {', '.join(people)})")


def _missing(post: Post) -> str:
    return "leader on duty" if post is Post.LEADER else "officer on duty"


def _after_an_outage(data: ClockStepped, names: Names) -> Words:
    """How late the step itself is, and what it stands for besides."""
    zh, en = list[str](), list[str]()
    if timedelta(seconds=data.late_seconds) >= OUTAGE:
        late = span(timedelta(seconds=data.late_seconds))
        zh.append(f"本应在 {late.zh}前告知")
        en.append(f"this should have been said {late.en} ago")
    if data.passed_over:
        steps = [_passed(one, data, names) for one in data.passed_over]
        zh.append(f"一并代替此前未发出的{'、'.join(f'「{one.zh}」' for one in steps)}")
        en.append(f"it stands for {', '.join(f'“{one.en}”' for one in steps)} too")
    if data.covers:
        zh.append(f"同时涉及本案另外 {len(data.covers)} 个时限")
        en.append(f"and for {len(data.covers)} more of the case's limits")
    return Words(zh=f"（{'；'.join(zh)}）", en=f" ({'; '.join(en)})") if zh else _NOTHING


def _passed(code: str, data: ClockStepped, names: Names) -> Words:
    """The title of a step passed over, written ``step`` or ``step#nth``."""
    step, _, nth = code.partition("#")
    title = names.step(data.case.area, data.chain, step)
    return (
        title
        if not nth.isdecimal()
        else Words(zh=f"{title.zh}（第 {nth} 次）", en=f"{title.en} ({ordinal(int(nth))} time)")
    )
