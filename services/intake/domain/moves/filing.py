"""A person takes a report on (立案), does not (不予受理), or says that it is about something else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from services.intake.domain.life.case import Case
from services.intake.domain.life.filing_commands import FileCase, FilingCommand, Naming, RecategoriseCase, RefuseCase
from services.intake.domain.moves.case_moves import end, opened_by
from services.intake.domain.reports.texts import must_say
from shared.events.case import CaseEvent, CaseFiled, CaseRecategorised, CaseRefused
from shared.events.parts import CaseView
from shared.vocabulary import Refused


def file_or_refuse(case: Case, command: FilingCommand, now: datetime) -> tuple[CaseEvent, ...]:
    """The events of a person's word on what a report is; a refusal first releases whoever was asked.

    Raises:
        WrongState: the case is not in a state for it.
        Refused: without a reason, or nothing is named otherwise than it was.
    """
    match command:
        case FileCase():
            return (_filed(case, command),)
        case RefuseCase():
            return _refused(case, command, now)
        case RecategoriseCase():
            return (_recategorised(case, command),)
        case _:
            assert_never(command)


def _filed(case: Case, command: FileCase) -> CaseFiled:
    return CaseFiled(
        case=_named(opened_by(case, command.ACTION), command.naming),
        by=command.by,
        category_before=case.view.category,
        text=case.text,
        note=command.note,
    )


def _refused(case: Case, command: RefuseCase, now: datetime) -> tuple[CaseEvent, ...]:
    must_say(command.reason, "why the matter is not taken on, in words for the file")
    must_say(command.words, "what the reporter is told, in words", field="words")
    why = "案件不予受理,派单随之解除 / released: the case is refused"
    released, view = end(case, command.ACTION, now, why=why)
    refused = CaseRefused(case=view, by=command.by, code=command.code, reason=command.reason, words=command.words)
    return (*released, refused)


def _recategorised(case: Case, command: RecategoriseCase) -> CaseRecategorised:
    must_say(command.reason, "why it is about something else, in words")
    view = _named(opened_by(case, command.ACTION), command.naming)
    if replace(view, version=case.view.version) == case.view:
        raise Refused(
            f"the case is of category {view.category}, condition {view.condition}, severity {view.severity} already",
            field="category",
            allowed=["another category, condition or severity"],
        )
    return CaseRecategorised(
        case=view,
        by=command.by,
        category_before=case.view.category,
        condition_before=case.view.condition,
        reason=command.reason,
        text=case.text,
        standing=case.all_standing(),
    )


def _named(view: CaseView, naming: Naming) -> CaseView:
    """A condition is one of its category: another category without one leaves none."""
    category = naming.category or view.category
    condition = naming.condition or (view.condition if category == view.category else None)
    return replace(view, category=category, condition=condition, severity=naming.severity or view.severity)
