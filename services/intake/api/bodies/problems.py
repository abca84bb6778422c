"""Errors as callers get them, by RFC 9457."""

from __future__ import annotations

from pydantic import BaseModel

from services.intake.domain.life.states import Action
from shared.vocabulary import CaseState, OrderState


class FieldErrorBody(BaseModel):
    """What is wrong with one field: a JSON pointer, `?name` of the query, or a header's name."""

    field: str
    problem: str
    allowed: list[str] = []


class ProblemBody(BaseModel):
    """An error by RFC 9457."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[FieldErrorBody] = []
    trace_id: str | None = None


class WrongStateBody(ProblemBody):
    """The action is not open: the states, and what is open instead."""

    state: CaseState
    order_state: OrderState | None = None
    allowed: list[Action] = []
