"""What is said when clocks stand still or run longer, in the county's own time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final, TypeAlias, assert_never

from services.notifier.domain.words import Names
from shared.events.case import (
    CaseExtended,
    CaseExtensionAsked,
    CaseExtensionBacked,
    CaseExtensionDeclined,
    CaseHung,
    CasePaused,
    CaseResumed,
)
from shared.words import CLOCKS, Words

TimeFact: TypeAlias = (
    CasePaused
    | CaseHung
    | CaseResumed
    | CaseExtensionAsked
    | CaseExtensionBacked
    | CaseExtensionDeclined
    | CaseExtended
)

CHINA: Final = timezone(timedelta(hours=8))
"""The one zone of every county (北京时间), without summer time."""


def moment(at: datetime) -> str:
    """``at`` as a person in the county reads it, to the minute."""
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M")


def time_words(data: TimeFact, names: Names) -> tuple[Words, str]:
    """The sentence of ``data``, and what a person wrote beside it, as it came."""
    match data:
        case CasePaused():
            return _paused(data, names), data.reason
        case CaseHung(until=until, reason=reason):
            return Words(zh=f"挂账至 {moment(until)}", en=f"Hung until {moment(until)}"), reason
        case CaseResumed(reason=reason):
            return Words(zh="恢复办理，时限继续计时", en="Work goes on and the clocks run again"), reason
        case CaseExtensionAsked(due_at=due_at, to=to, reason=reason):
            asked = Words(
                zh=f"申请延期：由 {moment(due_at)} 到 {moment(to)}，待两级审批",
                en=f"More time asked for: from {moment(due_at)} to {moment(to)}; two approvals are needed",
            )
            return asked, reason
        case CaseExtensionBacked(note=note):
            return Words(zh="延期申请通过一级审批，待二级审批", en="The first of two approved the extension"), note
        case CaseExtensionDeclined(reason=reason):
            return Words(zh="延期申请未获批准", en="The extension was declined"), reason
        case CaseExtended(clock=clock, to=to, note=note):
            kind = CLOCKS[clock]
            return Words(
                zh=f"准予延期：{kind.zh}时限到 {moment(to)}", en=f"Extended: the {kind.en} limit is now {moment(to)}"
            ), note
        case _:
            assert_never(data)


def _paused(data: CasePaused, names: Names) -> Words:
    why = names.pause(data.case.area, data.code)
    if data.until is None:
        return Words(zh=f"暂停（{why.zh}），时限停止计时", en=f"Paused ({why.en}): its clocks stand still")
    until = moment(data.until)
    return Words(
        zh=f"暂停（{why.zh}）至 {until}，时限停止计时", en=f"Paused ({why.en}) until {until}: its clocks stand still"
    )
