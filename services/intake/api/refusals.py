"""Intake's refusals and outages as problems."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from services.intake.domain.life.permissions import NotYours
from services.intake.domain.life.states import WrongState
from services.intake.domain.modes import UnknownChange, WrongMode
from services.intake.handlers import Crowded, KeptMeanwhile, KeyReused, UnknownCase
from services.intake.handlers.privacy import NobodyThere, UnknownReport
from services.intake.ports import PlaybookAway
from shared.runtime.blobs import BlobsAway
from shared.runtime.postgres import OUTAGES
from shared.runtime.problems import FieldError, Problem
from shared.vocabulary import Refused

_NOT_THERE: Final[Mapping[type[Refused], str]] = {
    UnknownCase: "There is no such case",
    UnknownReport: "There is no such report",
    NobodyThere: "This report names nobody",
    UnknownChange: "There is no such change of mode",
}


def problem_of(refusal: Refused) -> Problem | None:
    """The problem of a refusal that means more than a wrong field."""
    match refusal:
        case WrongState():
            return _wrong_state(refusal)
        case NotYours():
            return Problem(403, "forbidden", "This key may not do this", refusal.reason, _errors(refusal))
        case UnknownCase() | UnknownReport() | NobodyThere() | UnknownChange():
            return Problem(404, "not-found", _NOT_THERE[type(refusal)], refusal.reason, _errors(refusal))
        case WrongMode():
            return Problem(409, "wrong-mode", "This change of mode is not open now", refusal.reason, _errors(refusal))
        case KeyReused():
            return Problem(
                422, "idempotency-key-reused", "This key belongs to another request", refusal.reason, _errors(refusal)
            )
        case _:
            return None


def _wrong_state(refusal: WrongState) -> Problem:
    return Problem(
        409,
        "wrong-state",
        "This action is not open now",
        refusal.reason,
        [FieldError(field="/action", problem=refusal.reason, allowed=refusal.allowed)],
        state=refusal.state,
        order_state=refusal.order_state,
        allowed=list(refusal.allowed),
    )


def _errors(refusal: Refused) -> list[FieldError]:
    return [FieldError(field=refusal.field or "/", problem=refusal.reason, allowed=refusal.allowed)]


def outage(error: Exception) -> str | None:
    """Which part is away when ``error`` means that."""
    if isinstance(error, PlaybookAway):
        return f"The playbook ({error})"
    if isinstance(error, (Crowded, KeptMeanwhile)):
        return f"Room for one more ({error})"
    if isinstance(error, BlobsAway):
        return "The store of photos"
    return "PostgreSQL" if isinstance(error, OUTAGES) else None
