"""Somebody acts on a case: the one state machine decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

import msgspec

from services.intake.domain.actions import ActionRequest, command_of, open_to_bearer, order_meant, tidy_request
from services.intake.domain.case import Case, CaseOrder
from services.intake.domain.commands import ReopenCase
from services.intake.domain.decide import decide
from services.intake.domain.modes import mode_of
from services.intake.domain.permissions import Bearer
from services.intake.domain.states import Action, WrongState
from services.intake.handlers.doors import Doors, Reply, UnknownCase, canonical, change_of, replay
from services.intake.ports import Answer, Change, ClientKey, NoPlaybook, PlaybookAway, Playbooks, Spot, Transaction
from shared.events.case import CaseWhistleAsked, CaseWhistled, CaseWhistleDeclined
from shared.playbook.model import Playbook

_FIRST: Final = frozenset({"action", "order_id", "note", "reason", "rating"})


async def act_on_case(
    case_id: UUID, request: ActionRequest, *, bearer: Bearer, client_key: str | None, doors: Doors
) -> Reply:
    """Do ``request`` to the case and answer once it is durable; the same key and request: the same answer.

    Raises:
        UnknownCase: there is no such case.
        NotYours: the bearer may not do this.
        WrongState: it is not open now; says what is.
        KeyReused: the client key belongs to another request.
        Refused: the request is wrong; names the field and what is allowed.
    """
    asked = canonical(request, first=_FIRST, case_id=case_id)
    request = tidy_request(request)
    key = None if client_key is None else ClientKey(owner=bearer.key_id, key=client_key)
    async with doors.store.transaction() as transaction:
        # The lock comes first: a second request with this key waits here, then finds the answer.
        case = (await transaction.load([case_id])).get(case_id)
        if case is None:
            raise UnknownCase(f"there is no case {case_id}", field="path:case_id")
        known = None if key is None else (await transaction.answers([key])).get(key)
        if known is not None:
            return replay(known, asked, doors.vault)
        body, change = _acted(case, request, bearer=bearer, doors=doors, mode=await _mode(case, request, transaction))
        answer = Answer(fingerprint=doors.vault.fingerprint(asked), body=body)
        if key is not None and not await transaction.claim({key: answer}):
            return replay((await transaction.answers([key]))[key], asked, doors.vault)
        await transaction.save([change])
    return Reply(body=body)


async def _mode(case: Case, request: ActionRequest, transaction: Transaction) -> str | None:
    """The mode that a case is opened in again: while it was closed no change of mode came to it."""
    if request.action is not Action.REOPEN:
        return None
    spot = Spot(area=case.view.area, category=case.view.category, purpose=case.view.purpose)
    (found,) = await transaction.around([spot], since=case.view.opened_at)
    return mode_of(case.view.area, case.view.purpose, found.modes)


def _acted(case: Case, request: ActionRequest, *, bearer: Bearer, doors: Doors, mode: str | None) -> tuple[str, Change]:
    now = doors.clock()
    playbook = _playbook(case.view.county, doors.playbooks)
    policy = playbook.policy
    order: CaseOrder | None = None
    try:
        order = order_meant(request, case, bearer)
        command = command_of(request, order, case=case, by=bearer.actor, playbook=playbook)
        if isinstance(command, ReopenCase):
            command = replace(command, mode=mode)
        change = change_of(case, decide(case, command, now), at=now)
    except WrongState as refusal:
        refusal.allowed = open_to_bearer(case, order, bearer, policy=policy, now=now)
        raise
    after = change.case
    same = None if order is None else after.order(order.order_id)
    found = open_to_bearer(after, same, bearer, policy=policy, now=now)
    return _answer(change, order, found), change


def _playbook(county: str, playbooks: Playbooks) -> Playbook:
    try:
        return playbooks.of(county)
    except NoPlaybook as gone:
        raise PlaybookAway(f"the playbook of {county} was withdrawn") from gone


def _answer(change: Change, order: CaseOrder | None, allowed: Sequence[Action]) -> str:
    view = change.case.view
    body = {
        "case_id": view.case_id,
        "version": view.version,
        "state": view.state,
        "event_id": change.events[-1].id,
        "order_id": None if order is None else order.order_id,
        "whistle_id": _whistle(change),
        "allowed": allowed,
    }
    return msgspec.json.encode(body).decode()


def _whistle(change: Change) -> UUID | None:
    """The whistle that was asked for, sounded or declined."""
    match change.events[-1].data:
        case CaseWhistleAsked(whistle=whistle) | CaseWhistled(whistle=whistle) | CaseWhistleDeclined(whistle=whistle):
            return whistle.whistle_id
        case _:
            return None
