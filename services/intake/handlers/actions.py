"""Somebody acts on a case: the one state machine decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

import msgspec

from services.intake.domain.asking.actions import (
    ActionRequest,
    Circumstances,
    command_of,
    open_to_bearer,
    order_meant,
    tidy_request,
)
from services.intake.domain.life.case import Case, CaseOrder
from services.intake.domain.life.commands import ReopenCase
from services.intake.domain.life.permissions import Bearer
from services.intake.domain.life.states import Action, WrongState
from services.intake.domain.modes import mode_of
from services.intake.domain.moves.decide import decide
from services.intake.handlers.deeds import Deed, do_all
from services.intake.handlers.doors import Doors, Reply, canonical, change_of
from services.intake.handlers.merging import OF_TWO, act_on_two, follow
from services.intake.ports import Change, ClientKey, NoPlaybook, PlaybookAway, Playbooks, Spot, Transaction
from shared.events.case import CaseEvent, CaseWhistleAsked, CaseWhistled, CaseWhistleDeclined
from shared.playbook.model import Playbook, Policy

_FIRST: Final = frozenset({"action", "order_id", "note", "reason", "rating"})


async def act_on_case(
    case_id: UUID, request: ActionRequest, *, bearer: Bearer, client_key: str | None, doors: Doors
) -> Reply:
    """Do ``request`` to the case and answer once it is durable; the same key and request: the same answer.

    Actions that come at one time are kept by one transaction.

    Raises:
        Crowded: too many actions wait, or too many of this key.
        UnknownCase: there is no such case.
        NotYours: the bearer may not do this.
        WrongState: it is not open now; says what is.
        KeyReused: the client key belongs to another request.
        Refused: the request is wrong; names the field and what is allowed.
    """
    asked = canonical(request, first=_FIRST, case_id=case_id)
    request = tidy_request(request)
    key = None if client_key is None else ClientKey(owner=bearer.key_id, key=client_key)
    if request.action in OF_TWO:
        return await act_on_two(
            Deed(case_id=case_id, request=request, bearer=bearer, key=key, asked=asked), doors=doors
        )
    deed = Deed(case_id=case_id, request=request, bearer=bearer, key=key, asked=asked)
    act = partial(acted, doors=doors)
    return await doors.deeds.begin(deed, turn=bearer.key_id, work=partial(do_all, act=act, doors=doors))


async def _mode(case: Case, transaction: Transaction) -> str:
    """The mode that a case is opened in again: while it was closed no change of mode came to it."""
    spot = Spot(area=case.view.area, category=case.view.category, purpose=case.view.purpose)
    (found,) = await transaction.around([spot], since=case.view.opened_at)
    return mode_of(case.view.area, case.view.purpose, found.modes)


async def acted(case: Case, deed: Deed, transaction: Transaction, *, doors: Doors) -> tuple[str, Change]:
    """The answer to a deed and what it makes of its case; writes nothing.

    Raises:
        Refused: see ``act_on_case``.
    """
    request, bearer, now = deed.request, deed.bearer, doors.clock()
    playbook = _playbook(case.view.county, doors.playbooks)
    order: CaseOrder | None = None
    try:
        order = order_meant(request, case, bearer)
        due_at = await _due(case, order, transaction) if request.action is Action.EXTEND else None
        given = Circumstances(by=bearer.actor, playbook=playbook, now=now, due_at=due_at)
        command = command_of(request, order, case=case, given=given)
        if isinstance(command, ReopenCase):
            command = replace(command, mode=await _mode(case, transaction))
        change = change_of(case, decide(case, command, now), at=now)
    except WrongState as refusal:
        look = _Look(bearer=bearer, policy=playbook.policy, now=now)
        refusal.allowed = await _open(case, order, look, transaction)
        raise
    after = change.case
    await follow(case, after, transaction, playbook=playbook)
    same = None if order is None else after.order(order.order_id)
    found = await _open(after, same, _Look(bearer=bearer, policy=playbook.policy, now=now), transaction)
    return _answer(change, order, found), change


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """Who looks at what is open, and when."""

    bearer: Bearer
    policy: Policy
    now: datetime


async def _open(case: Case, order: CaseOrder | None, look: _Look, transaction: Transaction) -> tuple[Action, ...]:
    """What the bearer may do next; the deadline is looked up only for who could ask for more time."""
    soon = look.now + timedelta(microseconds=1)
    found = open_to_bearer(case, order, look.bearer, policy=look.policy, now=look.now, due_at=soon)
    if Action.EXTEND not in found:
        return found
    due_at = await _due(case, order or case.lead, transaction)
    return open_to_bearer(case, order, look.bearer, policy=look.policy, now=look.now, due_at=due_at)


async def _due(case: Case, order: CaseOrder | None, transaction: Transaction) -> datetime | None:
    return None if order is None else await transaction.deadlines.of(case.view.case_id, order.order_id)


def _playbook(county: str, playbooks: Playbooks) -> Playbook:
    try:
        return playbooks.of(county)
    except NoPlaybook as gone:
        raise PlaybookAway(f"the playbook of {county} was withdrawn") from gone


def _answer(change: Change, order: CaseOrder | None, allowed: Sequence[Action]) -> str:
    view, last = change.case.view, change.events[-1]
    body = {
        "case_id": view.case_id,
        "version": view.version,
        "state": view.state,
        "event_id": last.id,
        "order_id": None if order is None else order.order_id,
        "whistle_id": _whistle(last.data),
        "extension_id": getattr(last.data, "extension_id", None),
        "supervision_id": getattr(last.data, "supervision_id", None),
        "appeal_id": getattr(last.data, "appeal_id", None),
        "allowed": allowed,
    }
    return msgspec.json.encode(body).decode()


def _whistle(event: CaseEvent) -> UUID | None:
    """The whistle that was asked for, sounded or declined."""
    match event:
        case CaseWhistleAsked(whistle=whistle) | CaseWhistled(whistle=whistle) | CaseWhistleDeclined(whistle=whistle):
            return whistle.whistle_id
        case _:
            return None
