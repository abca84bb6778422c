"""What a step of a chain says of itself, Chinese and English: who is told what, and how the limit stands."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from services.escalation.domain.chain import Planned, RunningClock
from shared.events.sla import Told
from shared.playbook.model import ChainStep
from shared.vocabulary import ChainAction, Post
from shared.words import CLOCKS, limit_words

LATE: Final = timedelta(seconds=60)
"""Taken so long after its instant, a step says so."""
_LONGEST: Final = 1900
_ACTIONS: Final = {
    ChainAction.URGE: ("催办{who}", "{who} is urged"),
    ChainAction.NOTIFY: ("通知{who}", "{who} is told"),
    ChainAction.OVERSEE: ("由{who}督导", "{who} oversees"),
    ChainAction.TAKE_OVER: ("由{who}接管", "{who} takes over"),
    ChainAction.SUPERVISE: ("向{who}下达督办", "{who} gets an instruction"),
    ChainAction.CIRCULATE: ("全县通报{who}", "{who} is named to the whole county"),
}
_LEADER: Final = {
    ChainAction.OVERSEE: ("县级以上无平台，报请{who}督导", "no desk is above: {who} is asked to oversee"),
    ChainAction.TAKE_OVER: ("县级以上无平台，报请{who}处置", "no desk is above: {who} is asked to act"),
}
_POSTS: Final = {Post.OFFICER: ("", ""), Post.LEADER: ("带班领导", ", leader on duty")}


def reason(
    clock: RunningClock, planned: Planned, *, to: Sequence[Told], at: datetime, notes: Sequence[tuple[str, str]]
) -> str:
    """The step in words, as ``中文 | English``."""
    step, kind = clock.step_of(planned), CLOCKS[clock.shown.kind]
    who = tuple("、".join(names) for names in zip(*(_who(one) for one in to), strict=True)) or ("—", "—")
    above = all(one.post is Post.LEADER for one in to)
    zh, en = (_LEADER if above else {}).get(step.action, _ACTIONS[step.action])
    zh, en = zh.format(who=who[0]), en.format(who=who[1])
    zh, en = f"{_title(step, 0)}{zh}", f"{_title(step, 1)}{en}"
    if step.times > 1:
        zh, en = f"{zh}（第 {planned.nth} 次）", f"{en} (time {planned.nth} of {step.times})"
    stands = _stands(clock, at)
    limit = limit_words(clock.shown.limit)
    zh = f"{zh}：{kind.zh}时限 {limit.zh}，{stands[0]}"
    en = f"{en}: {kind.en}, limit {limit.en}, {stands[1]}"
    more = (*_late(planned, at), *notes)
    zh, en = "；".join((zh, *(one[0] for one in more))), "; ".join((en, *(one[1] for one in more)))
    return f"{zh} | {en}"[:_LONGEST]


def stands_for(steps: int, clocks: int) -> tuple[str, str]:
    """That one notice stands for others that should have come before."""
    return (
        f"此前应发未发的提醒一并说明：本时限 {steps} 次、同案其他时限 {clocks} 个",
        f"it stands for what was not said before: {steps} of this limit, and {clocks} other limits of the case",
    )


NATURAL: Final = ("日历未覆盖该年，按自然时间计", "the calendar does not know that year, natural time was counted")
NO_PLAYBOOK: Final = ("预案未到，值班人员不详", "the playbook is not here, who is on duty is not known")


def nobody(told: Told) -> tuple[str, str]:
    """That nobody stands on the roster."""
    zh, en = _who(told)
    return f"{zh}此时无人值班", f"nobody is on duty for {en}"


def _title(step: ChainStep, language: int) -> str:
    if step.title is None:
        return ""
    return f"【{step.title.zh}】" if language == 0 else f"[{step.title.en}] "


def _who(told: Told) -> tuple[str, str]:
    name = told.target.name or told.target.id
    zh, en = _POSTS[told.post]
    return f"{name}{zh}", f"{name}{en}"


def _stands(clock: RunningClock, at: datetime) -> tuple[str, str]:
    left = clock.shown.due_at - at
    if left > timedelta():
        zh, en = lasting(left)
        return f"距到期 {zh}", f"{en} left"
    zh, en = lasting(-left)
    return f"逾期 {zh}", f"late by {en}"


def _late(planned: Planned, at: datetime) -> list[tuple[str, str]]:
    late = at - planned.at
    if late <= LATE:
        return []
    zh, en = lasting(late)
    return [(f"本步迟发 {zh}", f"this step itself comes {en} late")]


def lasting(length: timedelta) -> tuple[str, str]:
    """A length of time in its two largest units."""
    seconds = max(round(length.total_seconds()), 0)
    parts = []
    for size, zh, en in ((86400, "天", "d"), (3600, "小时", "h"), (60, "分钟", "min"), (1, "秒", "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append((f"{count} {zh}", f"{count} {en}"))
    shown = parts[:2] or [("0 秒", "0 s")]
    return " ".join(one[0] for one in shown), " ".join(one[1] for one in shown)
