"""What is said when the level above looks on, when a judgement is appealed, and when departments are rated."""

from __future__ import annotations

from typing import Final, TypeAlias, assert_never

from services.notifier.domain.time_words import moment
from services.notifier.domain.words import GROUNDS, Names, beginning, office_words
from shared.events.case import (
    CaseAppealed,
    CaseAppealReviewed,
    CaseDepartmentRated,
    CaseSupervised,
    CaseSupervisionReplied,
    CaseSupervisionSentBack,
    CaseSupervisionSigned,
)
from shared.words import Words

ReviewFact: TypeAlias = (
    CaseSupervised
    | CaseSupervisionReplied
    | CaseSupervisionSigned
    | CaseSupervisionSentBack
    | CaseAppealed
    | CaseAppealReviewed
    | CaseDepartmentRated
)

LAST_STEP: Final = 2
"""An appeal is reviewed twice."""


def review_words(data: ReviewFact, names: Names) -> tuple[Words, str]:
    """The sentence of ``data``, and what a person wrote beside it, as it came."""
    match data:
        case CaseSupervised(target=target, instruction=instruction, reply_due_at=due_at):
            to = beginning(office_words(target, data.case.area, names))
            supervised = Words(
                zh=f"督办{to.zh}，{moment(due_at)} 前回复", en=f"{to.en} is supervised and replies by {moment(due_at)}"
            )
            return supervised, instruction
        case CaseSupervisionReplied(reply=reply):
            return Words(zh="回复督办", en="Replied to the supervision"), reply
        case CaseSupervisionSigned(note=note):
            return Words(zh="督办销号", en="The supervision is signed off"), note
        case CaseSupervisionSentBack(reason=reason, reply_due_at=due_at):
            back = Words(
                zh=f"督办回复退回，{moment(due_at)} 前再报",
                en=f"The reply to the supervision is not enough: another by {moment(due_at)}",
            )
            return back, reason
        case CaseAppealed(ground=ground, reason=reason):
            on = GROUNDS[ground]
            return Words(zh=f"提出申诉（{on.zh}）", en=f"Appealed: {on.en}"), reason
        case CaseAppealReviewed():
            return _reviewed(data), data.reason
        case CaseDepartmentRated(target=target, speed=speed, quality=quality, note=note):
            to = beginning(office_words(target, data.case.area, names))
            rated = Words(
                zh=f"评价{to.zh}：速度 {speed} 分，质量 {quality} 分",
                en=f"{to.en} was rated: speed {speed}, quality {quality} of 5",
            )
            return rated, note
        case _:
            assert_never(data)


def _reviewed(data: CaseAppealReviewed) -> Words:
    step = "复审" if data.step == LAST_STEP else "初审"
    nth = "second" if data.step == LAST_STEP else "first"
    if not data.upheld:
        return Words(zh=f"申诉{step}未通过", en=f"The {nth} review did not uphold the appeal")
    if data.case.exempt:
        return Words(zh=f"申诉{step}通过，免予考核", en=f"The {nth} review upheld the appeal: the case is exempt")
    return Words(zh=f"申诉{step}通过", en=f"The {nth} review upheld the appeal")
