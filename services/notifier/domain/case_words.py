"""What a fact of a case's life says to a person: one sentence in both languages, and the person's own words."""

from __future__ import annotations

from typing import assert_never

from services.notifier.domain.filing_words import FilingFact, filing_words
from services.notifier.domain.review_words import ReviewFact, review_words
from services.notifier.domain.time_words import TimeFact, time_words
from services.notifier.domain.words import (
    LEVELS,
    RATINGS,
    ROLES,
    WHISTLES,
    Names,
    beginning,
    office_words,
)
from shared.events.case import (
    CaseArrived,
    CaseClosed,
    CaseEscalated,
    CaseEvent,
    CaseModeChanged,
    CaseOpened,
    CaseOrderWithdrawn,
    CaseProgressed,
    CaseRated,
    CaseRejected,
    CaseReleased,
    CaseReopened,
    CaseResolved,
    CaseReturned,
    CaseRouted,
    CaseRuled,
    CaseSigned,
    CaseStepDone,
    CaseTransferred,
    CaseVerified,
    CaseWhistleAsked,
    CaseWhistled,
    CaseWhistleDeclined,
)
from shared.events.parts import CaseView, MatterView
from shared.vocabulary import CaseState, OrderState
from shared.words import CLOCKS, Words, halves


def case_words(data: CaseEvent, names: Names) -> tuple[Words, str]:  # noqa: C901, PLR0911, PLR0912  one arm for each fact
    """The sentence of ``data``, and what a person wrote beside it, as it came."""
    if isinstance(data, FilingFact):
        return filing_words(data, names)
    if isinstance(data, TimeFact):
        return time_words(data, names)
    if isinstance(data, ReviewFact):
        return review_words(data, names)
    area = data.case.area
    match data:
        case CaseOpened(case=view):
            return _opened(view), ""
        case CaseRouted(target=target, order_role=role):
            to = office_words(target, area, names)
            return Words(zh=f"已交{to.zh}{ROLES[role].zh}", en=f"With {to.en} to {ROLES[role].verb_en}"), ""
        case CaseOrderWithdrawn(target=target, reason=reason):
            to = beginning(office_words(target, area, names))
            return Words(zh=f"{to.zh}不再承办", en=f"{to.en} is released"), reason
        case CaseSigned(target=target, note=note):
            to = beginning(office_words(target, area, names))
            return Words(zh=f"{to.zh}签收", en=f"{to.en} signed"), note
        case CaseArrived(target=target, note=note):
            to = beginning(office_words(target, area, names))
            return Words(zh=f"{to.zh}到场", en=f"{to.en} arrived on site"), note
        case CaseProgressed(target=target, note=note):
            to = beginning(office_words(target, area, names))
            return Words(zh=f"{to.zh}报告进展", en=f"{to.en} reported progress"), note
        case CaseResolved(target=target, note=note):
            to = beginning(office_words(target, area, names))
            return Words(zh=f"{to.zh}办结", en=f"{to.en} reported it done"), note
        case CaseReturned(target=target, reason=reason):
            return _returned(data, names), reason
        case CaseVerified(note=note):
            return Words(zh="核查通过", en="Checked and found good"), note
        case CaseRejected(target=target, reason=reason):
            to = office_words(target, area, names)
            return Words(zh=f"核查不通过，退回{to.zh}返工", en=f"Checked and sent back to {to.en}"), reason
        case CaseClosed(note=note):
            return Words(zh="结案", en="Case closed"), note
        case CaseReopened(reason=reason):
            return Words(zh="重新打开", en="Reopened"), reason
        case CaseRated(rating=rating, note=note):
            said = RATINGS[rating]
            return Words(zh=f"群众评价：{said.zh}", en=f"The reporter is {said.en}"), note
        case CaseEscalated(clock=clock, to_level=level):
            up = Words(
                zh=f"因{CLOCKS[clock].zh}时限升级到{LEVELS[level].zh}",
                en=f"Moved up to the {LEVELS[level].en} by its {CLOCKS[clock].en} limit",
            )
            return up, ""
        case CaseWhistled(reason=reason, note=note):
            return _whistle(data, names), "\n".join(filter(None, (reason, note)))
        case CaseWhistleAsked() | CaseWhistleDeclined():
            return _whistle(data, names), data.reason
        case CaseReleased(order=order, reason=reason):
            to = beginning(office_words(order.target, area, names))
            return Words(zh=f"{to.zh}获准撤出，不再承办", en=f"{to.en} is let go and need no longer act"), reason
        case CaseTransferred(order=order, to=taker, reason=reason):
            giver, to = office_words(order.target, area, names), office_words(taker, area, names)
            return Words(zh=f"转办：由{giver.zh}转给{to.zh}", en=f"Transferred from {giver.en} to {to.en}"), reason
        case CaseRuled(to=taker, reason=reason):
            to = office_words(taker, area, names)
            return Words(zh=f"裁定：由{to.zh}主办", en=f"Ruled: {to.en} is to lead"), reason
        case CaseStepDone(step=step):
            return _step_done(data.case.matter, step), ""
        case CaseModeChanged(case=view, before=before, reason=reason):
            return _mode(view, before, names), reason
        case _:
            assert_never(data)


def _opened(view: CaseView) -> Words:
    if view.state is CaseState.RECEIVED:
        return Words(zh="收到上报，待审核立案", en="Report received: a person has yet to file it")
    return Words(zh="受理立案", en="Case opened")


def _returned(data: CaseReturned, names: Names) -> Words:
    to = beginning(office_words(data.target, data.case.area, names))
    holder = data.case.holder
    if holder is not None and (holder.kind, holder.id) == (data.target.kind, data.target.id):
        # First-contact responsibility (首接负责).
        return Words(
            zh=f"{to.zh}退单，在别的承办方签收前仍由其负责",
            en=f"{to.en} gave the order back and answers until another has signed",
        )
    return Words(zh=f"{to.zh}退单", en=f"{to.en} gave the order back")


def _whistle(data: CaseWhistleAsked | CaseWhistled | CaseWhistleDeclined, names: Names) -> Words:
    kind = WHISTLES[data.whistle.kind]
    match data:
        case CaseWhistleAsked():
            called = _called(data, names)
            return Words(
                zh=f"申请吹哨（{kind.zh}），待负责人确认：{called.zh}",
                en=f"Whistle asked for ({kind.en}), its head has yet to say the word: {called.en}",
            )
        case CaseWhistled(lead=lead):
            called = _called(data, names)
            leads = Words(zh="", en="")
            if lead is not None:
                leader = names.department(data.case.area, lead)
                leads = Words(zh=f"，由{leader.zh}主办", en=f"; {leader.en} is to lead")
            return Words(
                zh=f"吹哨（{kind.zh}）：{called.zh}报到{leads.zh}",
                en=f"Whistle ({kind.en}): {called.en} must report in{leads.en}",
            )
        case CaseWhistleDeclined():
            return Words(zh=f"吹哨（{kind.zh}）未获确认", en=f"The whistle ({kind.en}) was not let sound")
        case _:
            assert_never(data)


def _called(data: CaseWhistleAsked | CaseWhistled, names: Names) -> Words:
    each = [names.department(data.case.area, code) for code in data.departments]
    return Words(zh="、".join(one.zh for one in each), en=", ".join(one.en for one in each))


def _step_done(matter: MatterView | None, step: str) -> Words:
    found = next((one for one in matter.steps if one.id == step), None) if matter else None
    title = halves(found.title) if found else Words(zh=step, en=step)
    if found is not None and found.state is OrderState.WITHDRAWN:
        return Words(zh=f"环节“{title.zh}”不再办理", en=f"Step “{title.en}” was released")
    return Words(zh=f"环节“{title.zh}”完成", en=f"Step “{title.en}” is done")


def _mode(view: CaseView, before: str, names: Names) -> Words:
    old, new = names.mode(view.area, before), names.mode(view.area, view.mode)
    return Words(zh=f"所在地由“{old.zh}”转入“{new.zh}”", en=f"The mode here changed from {old.en} to {new.en}")
