"""What whoever reported is told of each step: what was done and by which office, no name, no note, no judgement.

Only a refusal's words and the answer to the reporter are passed on as a person wrote them: they were written for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from services.notifier.domain.time_words import moment
from services.notifier.domain.words import LEVELS, RATINGS, REFUSALS, SERVICES, Names, office_words
from shared.events.case import (
    CaseArrived,
    CaseClosed,
    CaseEscalated,
    CaseEvent,
    CaseExtended,
    CaseFiled,
    CaseHandedOver,
    CaseHung,
    CaseMerged,
    CaseOpened,
    CasePaused,
    CaseProgressed,
    CaseRated,
    CaseRecategorised,
    CaseRefused,
    CaseRejected,
    CaseReopened,
    CaseReportJoined,
    CaseReportSplit,
    CaseResolved,
    CaseResumed,
    CaseReturned,
    CaseRouted,
    CaseRuled,
    CaseSigned,
    CaseStepDone,
    CaseSupervised,
    CaseTransferred,
    CaseVerified,
    CaseWhistled,
)
from shared.vocabulary import CaseState, OrderRole, OrderState
from shared.words import Words, halves

STATES: Final[Mapping[CaseState, Words]] = MappingProxyType(
    {
        CaseState.RECEIVED: Words(zh="已收到，正在审核", en="Received; somebody is reading it"),
        CaseState.OPENED: Words(zh="已受理，正在确定承办单位", en="Accepted; finding who is to act"),
        CaseState.ROUTED: Words(zh="已交办", en="Passed on to who is to act"),
        CaseState.SIGNED: Words(zh="承办单位已签收", en="Who is to act has taken it on"),
        CaseState.ARRIVED: Words(zh="工作人员已到场", en="Somebody is on site"),
        CaseState.IN_PROGRESS: Words(zh="正在办理", en="Being worked on"),
        CaseState.RETURNED: Words(zh="正在重新确定承办单位", en="Finding somebody else to act"),
        CaseState.PAUSED: Words(zh="暂停办理", en="Paused"),
        CaseState.HUNG: Words(zh="暂不具备办理条件，已挂账", en="Cannot be done yet; kept on the books"),
        CaseState.RESOLVED: Words(zh="已办理，正在核查", en="Done; being checked"),
        CaseState.VERIFIED: Words(zh="核查通过，即将结案", en="Checked and found good"),
        CaseState.CLOSED: Words(zh="已结案", en="Closed"),
        CaseState.REFUSED: Words(zh="不予受理", en="Not taken on"),
        CaseState.MERGED: Words(zh="已并入同一事项办理", en="Goes on as part of the same matter"),
    }
)


def public_words(data: CaseEvent, names: Names) -> tuple[Words, str] | None:
    """The sentence of ``data`` and words meant for the reporter; None when the public is not told of it."""
    if isinstance(data, _OfOrder):
        return _of_order(data, names)
    if isinstance(data, _OfOffice):
        said = _of_office(data, names)
        return None if said is None else (said, "")
    return _of_case(data, names)


_OfOrder: TypeAlias = (
    CaseRouted | CaseSigned | CaseArrived | CaseProgressed | CaseResolved | CaseReturned | CaseRejected
)
_OfOffice: TypeAlias = CaseTransferred | CaseRuled | CaseWhistled | CaseStepDone | CaseEscalated | CaseSupervised


def _of_order(data: _OfOrder, names: Names) -> tuple[Words, str] | None:
    to = office_words(data.target, data.case.area, names)
    leads = isinstance(data, CaseRejected) or getattr(data, "order_role", OrderRole.LEAD) is OrderRole.LEAD
    said: Words | None
    match data:
        case CaseRouted(order_role=OrderRole.LEAD):
            said = Words(zh=f"已交由{to.zh}办理", en=f"Passed on to {to.en}")
        case CaseRouted(order_role=OrderRole.ASSIST):
            said = Words(zh=f"{to.zh}协助办理", en=f"{to.en} is to assist")
        case CaseSigned() if leads:
            said = Words(zh=f"{to.zh}已签收", en=f"{to.en} has taken it on")
        case CaseArrived():
            said = Words(zh=f"{to.zh}已到场", en=f"{to.en} is on site")
        case CaseProgressed() if leads:
            said = Words(zh=f"{to.zh}正在办理", en=f"{to.en} is at work")
        case CaseResolved() if leads:
            return Words(zh=f"{to.zh}已办理，等待核查", en=f"{to.en} reports it done; it will be checked"), _answer(
                data
            )
        case CaseReturned() if leads:
            said = Words(zh="承办单位有变，正在重新确定", en="Somebody else is to act; it is being found out who")
        case CaseRejected():
            said = Words(zh="核查未通过，继续办理", en="Checked and not good enough: work goes on")
        case _:
            said = None
    return None if said is None else (said, "")


def _answer(data: CaseResolved) -> str:
    """What was done, of the four elements of a reply; who was spoken with stays inside."""
    return "" if data.reply is None else data.reply.done


def _of_office(data: _OfOffice, names: Names) -> Words | None:
    match data:
        case CaseTransferred(to=taker) | CaseRuled(to=taker):
            to = office_words(taker, data.case.area, names)
            return Words(zh=f"改由{to.zh}办理", en=f"{to.en} is to act from now on")
        case CaseWhistled(departments=called):
            each = [names.department(data.case.area, code) for code in called]
            zh, en = "、".join(one.zh for one in each), ", ".join(one.en for one in each)
            return Words(zh=f"已召集{zh}共同办理", en=f"Called together: {en}")
        case CaseStepDone(step=step):
            return _step_done(data, step)
        case CaseEscalated(to_level=level):
            return Words(
                zh=f"已提级到{LEVELS[level].zh}督促办理", en=f"Moved up: the {LEVELS[level].en} watches over it"
            )
        case CaseSupervised():
            return Words(zh="上级已督办", en="The level above watches over it")


def _step_done(data: CaseStepDone, step: str) -> Words | None:
    steps = data.case.matter.steps if data.case.matter else ()
    found = next((one for one in steps if one.id == step), None)
    if found is None or found.state is OrderState.WITHDRAWN:
        return None
    title = halves(found.title)
    return Words(zh=f"环节“{title.zh}”已完成", en=f"Step “{title.en}” is done")


def _of_case(data: CaseEvent, names: Names) -> tuple[Words, str] | None:  # noqa: C901, PLR0911, PLR0912  one arm for each
    match data:
        case CaseOpened() | CaseFiled():
            return _opened(data.case.state), ""
        case CaseRefused(code=code, words=words):
            why = REFUSALS[code]
            return Words(zh=f"不予受理：{why.zh}", en=f"Not taken on: {why.en}"), words
        case CaseReportJoined(case=view):
            return Words(zh=f"又有群众反映同一事项，共 {view.reports} 件", en=f"{view.reports} have reported this"), ""
        case CaseReportSplit():
            return Words(zh="一件诉求另案办理", en="A report goes on by itself"), ""
        case CaseMerged():
            return Words(zh="与另一诉求属同一事项，并案办理", en="It is the same matter as another: handled as one"), ""
        case CaseRecategorised():
            now = names.category(data.case.area, data.case.category)
            return Words(zh=f"事项类别更正为“{now.zh}”", en=f"Now filed under {now.en}"), ""
        case CaseHandedOver(service=service, receipt=None):
            to = SERVICES[service]
            return Words(zh=f"已同步通报{to.zh}", en=f"Passed on to {to.en} as well"), ""
        case CasePaused():
            return _paused(data, names), ""
        case CaseHung(until=until):
            return Words(
                zh=f"暂不具备办理条件，挂账至 {moment(until)}", en=f"Cannot be done yet: kept until {moment(until)}"
            ), ""
        case CaseResumed():
            return Words(zh="恢复办理", en="Work goes on"), ""
        case CaseExtended(to=to):
            return Words(zh=f"办理期限延至 {moment(to)}", en=f"More time was granted: until {moment(to)}"), ""
        case CaseVerified():
            return Words(zh="核查通过", en="Checked and found good"), ""
        case CaseClosed():
            return Words(zh="已结案，请您评价", en="Closed; please say how content you are"), ""
        case CaseReopened():
            return Words(zh="重新办理", en="Opened again"), ""
        case CaseRated(rating=rating):
            said = RATINGS[rating]
            return Words(zh=f"群众评价：{said.zh}", en=f"A reporter is {said.en}"), ""
        case _:
            return None


def _opened(state: CaseState) -> Words:
    if state is CaseState.RECEIVED:
        return Words(zh="已收到您的反映，正在审核", en="Your report has come in; somebody is reading it")
    return Words(zh="已受理", en="Accepted")


def _paused(data: CasePaused, names: Names) -> Words:
    why = names.pause(data.case.area, data.code)
    if data.until is None:
        return Words(zh=f"暂停办理：{why.zh}", en=f"Paused: {why.en}")
    return Words(
        zh=f"暂停办理：{why.zh}，预计 {moment(data.until)} 恢复",
        en=f"Paused: {why.en}; goes on at {moment(data.until)}",
    )
