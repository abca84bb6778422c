"""A base-level desk calls departments to a case (吹哨): asked for, confirmed or declined by its head, sounded."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, assert_never
from uuid import UUID

from services.intake.domain.life.case import Asked, Case
from services.intake.domain.life.commands import BlowWhistle, ConfirmWhistle, DeclineWhistle, WhistleCommand
from services.intake.domain.life.states import WrongState
from services.intake.domain.moves.case_moves import after_case_move
from shared.events.case import CaseEvent, CaseWhistleAsked, CaseWhistled, CaseWhistleDeclined
from shared.events.envelope import derive_id
from shared.events.parts import CaseView, WhistleRef
from shared.vocabulary import Refused, TargetKind, WhistleKind

MOST_CALLED: Final = 16
"""Departments of one whistle's one sounding: what an event can carry."""
MOST_WHISTLES: Final = 16
"""Whistles of one round of a case; after so many it is a matter for the level above."""
MOST_STANDING: Final = 48
"""Orders of one case that may stand when it is whistled for; an event can carry 64."""


def whistle(case: Case, command: WhistleCommand) -> CaseEvent:
    """The event of a whistle asked for or sounding at once, confirmed, or declined.

    An emergency sounds at once; any other waits for the head of the desk, one at a time.

    Raises:
        WrongState: the case is done; a whistle waits already, or none does.
        Refused: departments, lead or whistle are wrong, or the reason is missing.
    """
    view = after_case_move(case, command)
    match command:
        case BlowWhistle():
            return _blown(case, view, command)
        case ConfirmWhistle():
            asked = _waiting(case, command.whistle_id)
            return _sounds(case, replace(asked, by=command.by), view, note=command.note)
        case DeclineWhistle():
            asked = _waiting(case, command.whistle_id)
            _must_say(command.reason, "why it is not to sound, in words")
            return CaseWhistleDeclined(case=view, by=command.by, whistle=asked.whistle, reason=command.reason)
        case _:
            assert_never(command)


def too_many_called(case: Case) -> str | None:
    """Why nobody more can be called to the case, if so."""
    if len(case.sounded) >= MOST_WHISTLES:
        return f"{MOST_WHISTLES} whistles have sounded for this case: the level above decides"
    if len(case.standing) >= MOST_STANDING:
        return f"{len(case.standing)} orders of this case stand: release some first"
    return None


def nothing_asked(case: Case) -> str | None:
    """Why there is nothing to confirm or to decline, if so."""
    return "no whistle waits for its head's word" if case.asked is None else None


def _blown(case: Case, view: CaseView, command: BlowWhistle) -> CaseEvent:
    _open(too_many_called(case), case)
    _must_say(command.reason, "why the departments are needed, in words")
    asked = Asked(
        whistle=_ref(case, command),
        by=command.by,
        departments=_called(case, command),
        reason=command.reason,
        lead=_lead(command),
    )
    if asked.whistle.kind is WhistleKind.EMERGENCY:
        return _sounds(case, asked, view)
    if case.asked is not None:
        waits = f"whistle {case.asked.whistle.whistle_id} waits for its head's word; only an emergency sounds beside it"
        raise WrongState(waits, state=case.view.state)
    return CaseWhistleAsked(
        case=view,
        by=asked.by,
        whistle=asked.whistle,
        departments=asked.departments,
        reason=asked.reason,
        lead=asked.lead,
    )


def _sounds(case: Case, asked: Asked, view: CaseView, *, note: str = "") -> CaseWhistled:
    return CaseWhistled(
        case=view,
        by=asked.by,
        whistle=asked.whistle,
        departments=asked.departments,
        reason=asked.reason,
        lead=asked.lead,
        standing=case.all_standing(),
        note=note,
    )


def _waiting(case: Case, whistle_id: UUID) -> Asked:
    _open(nothing_asked(case), case)
    if case.asked is None or case.asked.whistle.whistle_id != whistle_id:
        allowed = [] if case.asked is None else [str(case.asked.whistle.whistle_id)]
        raise Refused(f"whistle {whistle_id} does not wait for its head's word", field="whistle_id", allowed=allowed)
    return case.asked


def _ref(case: Case, command: BlowWhistle) -> WhistleRef:
    """The whistle that is added to, or a new one, whose id follows from the case's version."""
    if command.whistle_id is not None:
        return _sounded(case, command, command.whistle_id)
    if command.kind is None:
        raise Refused("a whistle needs its kind", field="kind", allowed=list(WhistleKind))
    whistle_id = derive_id(case.view.case_id, "whistle", f"v{case.view.version + 1}")
    return WhistleRef(whistle_id=whistle_id, kind=command.kind)


def _sounded(case: Case, command: BlowWhistle, whistle_id: UUID) -> WhistleRef:
    found = case.whistle(whistle_id)
    if found is None:
        known = [str(one.whistle.whistle_id) for one in case.sounded]
        raise Refused(f"no whistle {whistle_id} has sounded for this case", field="whistle_id", allowed=known)
    if command.kind not in {None, found.whistle.kind}:
        raise Refused(f"that whistle is one of {found.whistle.kind}", field="kind", allowed=[found.whistle.kind])
    return found.whistle


def _called(case: Case, command: BlowWhistle) -> tuple[str, ...]:
    departments = tuple(dict.fromkeys(command.departments))
    if not 1 <= len(departments) <= MOST_CALLED:
        raise Refused(
            f"{len(departments)} departments are called", field="departments", allowed=[f"1 to {MOST_CALLED} of them"]
        )
    at_it = {order.target.id for order in case.standing if order.target.kind is TargetKind.DEPARTMENT}
    twice = [one for one in departments if one in at_it]
    if twice:
        free = [one for one in departments if one not in at_it]
        raise Refused(
            f"{', '.join(twice)} have an order of this case already",
            field="departments",
            allowed=free or ["departments that have none"],
        )
    return departments


def _lead(command: BlowWhistle) -> str | None:
    if command.lead is not None and command.lead not in command.departments:
        raise Refused("the lead is not among the departments", field="lead", allowed=list(command.departments))
    return command.lead


def _open(shut: str | None, case: Case) -> None:
    if shut is not None:
        raise WrongState(f"{shut}; the case is {case.view.state}", state=case.view.state)


def _must_say(reason: str, what: str) -> None:
    if not reason.strip():
        raise Refused("this needs a reason", field="reason", allowed=[what])
