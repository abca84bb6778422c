"""The level above gives an instruction (督办), is answered, and signs it off (销号) or sends the answer back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, assert_never
from uuid import UUID

from services.intake.domain.life.case import Case, Supervision
from services.intake.domain.life.review_commands import (
    ReplySupervision,
    SendBackSupervision,
    SignOffSupervision,
    SuperviseCase,
    SupervisionCommand,
)
from services.intake.domain.moves.case_moves import not_shut, opened_by
from services.intake.domain.reports.texts import must_say
from shared.events.case import (
    CaseEvent,
    CaseSupervised,
    CaseSupervisionReplied,
    CaseSupervisionSentBack,
    CaseSupervisionSigned,
)
from shared.events.envelope import derive_id
from shared.events.parts import CaseView, Target
from shared.vocabulary import Refused

MOST_OPEN: Final = 8
"""Instructions of one case that are not signed off; whoever gives more is not read."""
FURTHEST: Final = timedelta(days=366)
"""How far ahead a reply can be due."""


def supervise(case: Case, command: SupervisionCommand, now: datetime) -> CaseEvent:
    """The event of an instruction given, answered, signed off or sent back.

    Raises:
        WrongState: the case is not in a state for it, or no instruction of it is.
        Refused: words are missing, nobody is there to instruct, a date is past, or several instructions could be meant.
    """
    view = opened_by(case, command.ACTION)
    match command:
        case SuperviseCase():
            return _instructed(case, view, command, now)
        case ReplySupervision():
            must_say(command.reply, "what was done, in words", field="note")
            one = _meant(case, command.supervision_id, replied=False)
            return CaseSupervisionReplied(
                case=view, by=command.by, supervision_id=one.supervision_id, reply=command.reply
            )
        case SignOffSupervision():
            one = _meant(case, command.supervision_id, replied=True)
            return CaseSupervisionSigned(case=view, by=command.by, supervision_id=one.supervision_id, note=command.note)
        case SendBackSupervision():
            return _sent_back(case, view, command, now)
        case _:
            assert_never(command)


def too_many_instructions(case: Case) -> str | None:
    """Why no instruction more can be given, if so."""
    if len(case.supervisions) >= MOST_OPEN:
        return f"{MOST_OPEN} instructions are open: sign some off first"
    return None


def no_instruction(case: Case, *, replied: bool) -> str | None:
    """Why there is nothing to reply to, or to judge, if so."""
    if any(one.replied is replied for one in case.supervisions):
        return None
    return "no instruction has been answered" if replied else "no instruction waits for an answer"


def _instructed(case: Case, view: CaseView, command: SuperviseCase, now: datetime) -> CaseSupervised:
    not_shut(too_many_instructions(case), case)
    must_say(command.instruction, "what is to be done, in words")
    return CaseSupervised(
        case=view,
        by=command.by,
        supervision_id=derive_id(view.case_id, "supervision", f"v{view.version}"),
        target=_target(case, command),
        instruction=command.instruction,
        reply_due_at=_due(command.reply_due_at, now),
        order_id=command.order_id,
    )


def _target(case: Case, command: SuperviseCase) -> Target:
    if command.order_id is not None:
        return case.order(command.order_id).target
    if command.target is not None:
        return command.target
    if case.lead is None:
        raise Refused(
            "nobody leads the case: say whom the instruction is for",
            field="to",
            allowed=["{kind: department, id}", "{kind: desk, id: its area}"],
        )
    return case.lead.target


def _sent_back(case: Case, view: CaseView, command: SendBackSupervision, now: datetime) -> CaseSupervisionSentBack:
    must_say(command.reason, "what is still to be done, in words")
    one = _meant(case, command.supervision_id, replied=True)
    return CaseSupervisionSentBack(
        case=view,
        by=command.by,
        supervision_id=one.supervision_id,
        reason=command.reason,
        reply_due_at=_due(command.reply_due_at, now),
    )


def _meant(case: Case, supervision_id: UUID | None, *, replied: bool) -> Supervision:
    not_shut(no_instruction(case, replied=replied), case)
    fits = [one for one in case.supervisions if one.replied is replied]
    named = [one for one in fits if supervision_id in {None, one.supervision_id}]
    if len(named) != 1:
        raise Refused(
            "say which instruction" if supervision_id is None else f"instruction {supervision_id} is not open for this",
            field="supervision_id",
            allowed=[str(one.supervision_id) for one in fits],
        )
    return named[0]


def _due(moment: datetime, now: datetime) -> datetime:
    if not now < moment <= now + FURTHEST:
        raise Refused(
            f"a reply is due within {FURTHEST.days} days",
            field="until",
            allowed=[f"after {now.isoformat(timespec='seconds')}"],
        )
    return moment
