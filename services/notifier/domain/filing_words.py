"""What is said of a report that becomes a case, part of another, or none; and of facts that are added to it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias, assert_never

from services.notifier.domain.words import REFUSALS, SERVICES, Names
from shared.events.case import (
    CaseFiled,
    CaseHandedOver,
    CaseMassed,
    CaseMerged,
    CaseNoted,
    CaseRecategorised,
    CaseRefused,
    CaseReportJoined,
    CaseReportSplit,
    NoteKind,
)
from shared.words import Words

FilingFact: TypeAlias = (
    CaseFiled
    | CaseRefused
    | CaseRecategorised
    | CaseReportJoined
    | CaseReportSplit
    | CaseMerged
    | CaseMassed
    | CaseNoted
    | CaseHandedOver
)


def filing_words(data: FilingFact, names: Names) -> tuple[Words, str]:  # noqa: PLR0911  one arm for each fact
    """The sentence of ``data``, and what a person wrote beside it, as it came."""
    match data:
        case CaseFiled():
            return _filed(data, names), data.note
        case CaseRefused(code=code, reason=reason):
            why = REFUSALS[code]
            return Words(zh=f"不予受理：{why.zh}", en=f"Not taken on: {why.en}"), reason
        case CaseRecategorised():
            return _recategorised(data, names), data.reason
        case CaseReportJoined():
            return _joined(data), data.why
        case CaseReportSplit(reason=reason):
            return Words(
                zh="一件诉求拆出，另案办理", en="One report was split off and goes on as a case of its own"
            ), reason
        case CaseMerged(reason=reason):
            return Words(zh="并案：并入同一事项的主案", en="Merged into the case of the same matter"), reason
        case CaseMassed(reports=reports, window_hours=hours, reason=reason):
            massed = Words(
                zh=f"群体性诉求：{hours} 小时内 {reports} 件", en=f"A mass matter: {reports} reports within {hours} h"
            )
            return massed, reason
        case CaseNoted(kind=kind, note=note):
            return NOTES[kind], note
        case CaseHandedOver():
            return _handed_over(data), data.note
        case _:
            assert_never(data)


NOTES: Final[Mapping[NoteKind, Words]] = MappingProxyType(
    {
        NoteKind.REMARK: Words(zh="备注", en="A remark"),
        NoteKind.ALERT_RESOLVED: Words(zh="告警已恢复", en="The alert has ended"),
        NoteKind.ALERT_REPEATED: Words(zh="告警再次发生", en="The alert came again"),
        NoteKind.UPDATED: Words(zh="来源更新了信息", en="The source sent an update"),
    }
)


def _filed(data: CaseFiled, names: Names) -> Words:
    now = names.category(data.case.area, data.case.category)
    if data.category_before == data.case.category:
        return Words(zh=f"经审核立案（{now.zh}）", en=f"Filed by a person as {now.en}")
    before = names.category(data.case.area, data.category_before)
    return Words(
        zh=f"经审核立案，类别由“{before.zh}”改为“{now.zh}”", en=f"Filed by a person as {now.en}, not {before.en}"
    )


def _recategorised(data: CaseRecategorised, names: Names) -> Words:
    now = names.category(data.case.area, data.case.category)
    if data.category_before == data.case.category:
        condition = data.case.condition or "—"
        return Words(zh=f"立案条件改为“{condition}”", en=f"The condition is now {condition}")
    before = names.category(data.case.area, data.category_before)
    return Words(zh=f"类别由“{before.zh}”改为“{now.zh}”", en=f"The category is now {now.en}, before {before.en}")


def _joined(data: CaseReportJoined) -> Words:
    count = data.case.reports
    if data.from_case is not None:
        return Words(
            zh=f"另案诉求并入本案，共 {count} 件", en=f"A report of another case joined this one: {count} in all"
        )
    return Words(zh=f"同一事项的诉求并入，共 {count} 件", en=f"A report of the same matter joined: {count} in all")


def _handed_over(data: CaseHandedOver) -> Words:
    to = SERVICES[data.service]
    if data.receipt is None:
        return Words(zh=f"涉及人身安全，已同步移交{to.zh}", en=f"Life may be at risk: handed to {to.en} as well")
    return Words(zh=f"{to.zh}已确认接警（{data.receipt}）", en=f"{to.en} confirmed the hand-over ({data.receipt})")
