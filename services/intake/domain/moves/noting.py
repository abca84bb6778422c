"""Facts that move nothing: a remark, an alert that ended, a hand-over to an emergency service and its receipt."""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from services.intake.domain.life.case import Case
from services.intake.domain.life.filing_commands import FactCommand, HandOverCase, NoteCase
from services.intake.domain.moves.case_moves import opened_by
from services.intake.domain.reports.texts import must_say
from shared.events.case import CaseEvent, CaseHandedOver, CaseNoted


def note(case: Case, command: FactCommand) -> CaseEvent:
    """The event of a fact added to the case.

    Raises:
        WrongState: the case is not in a state for it.
        Refused: a note says nothing.
    """
    view = opened_by(case, command.ACTION)
    match command:
        case NoteCase():
            must_say(command.note, "what is to be added, in words", field="note")
            graver = replace(view, severity=min(view.severity, command.at_least or view.severity))
            return CaseNoted(
                case=graver, by=command.by, kind=command.kind, note=command.note, reference=command.reference
            )
        case HandOverCase():
            return CaseHandedOver(
                case=view,
                by=command.by,
                service=command.service,
                words=command.words,
                receipt=command.receipt,
                note=command.note,
            )
        case _:
            assert_never(command)
