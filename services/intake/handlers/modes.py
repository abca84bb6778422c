"""A mode is proposed, confirmed by a second person or asked for by a rule, entered, and settled case by case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID, uuid4

import msgspec

from services.intake.domain.life.commands import ChangeMode
from services.intake.domain.life.permissions import Bearer
from services.intake.domain.modes import (
    ChangeState,
    ModeChange,
    ModeRequest,
    UnknownChange,
    carried_out,
    change_id_of,
    confirm,
    entered,
    in_force_at,
    mode_of,
    must_change_modes,
    propose,
)
from services.intake.domain.moves.decide import decide
from services.intake.domain.reports.texts import clean
from services.intake.handlers.doors import SOURCE, Doors, Reply, change_of, replay
from services.intake.ports import Answer, ClientKey, NoPlaybook, PlaybookAway, Settling, Transaction
from shared.events.envelope import Event, derive_id
from shared.masking import mask
from shared.playbook.model import Playbook
from shared.runtime.telemetry import current_traceparent
from shared.vocabulary import NORMAL, county_of

MOST_ASKED: Final = 16
"""Changes that rules asked for and one round carries out."""


async def propose_mode(request: ModeRequest, *, bearer: Bearer, client_key: str | None, doors: Doors) -> Reply:
    """Keep the proposal and answer once it is durable; the same key and request: the same answer.

    Raises:
        NotYours: the bearer may not change modes there.
        WrongMode: the mode in force does not allow it.
        KeyReused: the client key belongs to another request.
        Refused: the request is wrong; names the field and what is allowed.
    """
    asked = msgspec.json.encode(("mode", request))
    request = replace(request, reason=mask(clean(request.reason, field="reason")))
    key = None if client_key is None else ClientKey(owner=bearer.key_id, key=client_key)
    change_id = uuid4() if key is None else change_id_of(key.owner, key.key)
    async with doors.store.transaction() as transaction:
        known = None if key is None else (await transaction.answers([key])).get(key)
        if known is not None:
            return replay(known, asked, doors.vault)
        must_change_modes(bearer, request.area)
        playbook, modes = doors.playbooks.of(request.area), await transaction.modes.over(request.area)
        change = propose(request, change_id=change_id, bearer=bearer, modes=modes, playbook=playbook, now=doors.clock())
        before = in_force_at(request.area, modes)
        body = _answer(change, before=NORMAL if before is None else before.mode)
        if key is not None:
            answer = Answer(fingerprint=doors.vault.fingerprint(asked), body=body)
            if not await transaction.claim({key: answer}):
                return replay((await transaction.answers([key]))[key], asked, doors.vault)
        await transaction.modes.propose(change)
    return Reply(body=body)


async def confirm_mode(change_id: UUID, *, bearer: Bearer, client_key: str | None, doors: Doors) -> Reply:
    """Put a proposed mode into force and answer once that is durable; its cases are settled afterwards.

    Raises:
        UnknownChange: there is no such proposal.
        NotYours: the bearer may not, or is who proposed it.
        WrongMode: it is no longer open.
        KeyReused: the client key belongs to another request.
        Refused: the playbook no longer knows the mode.
    """
    asked = msgspec.json.encode(("confirm mode", change_id))
    key = None if client_key is None else ClientKey(owner=bearer.key_id, key=client_key)
    async with doors.store.transaction() as transaction:
        # The lock comes first: a second request with this key waits here, then finds the answer.
        change = await transaction.modes.change(change_id)
        if change is None:
            raise UnknownChange(f"there is no change of mode {change_id}", field="path:change_id")
        known = None if key is None else (await transaction.answers([key])).get(key)
        if known is not None:
            return replay(known, asked, doors.vault)
        await transaction.modes.hold(county_of(change.area))
        playbook = _playbook(change.area, doors)
        change = confirm(
            change,
            bearer=bearer,
            modes=await transaction.modes.over(change.area),
            playbook=playbook,
            now=doors.clock(),
        )
        body = await _enter(change, transaction, playbook=playbook, doors=doors)
        if key is not None:
            answer = Answer(fingerprint=doors.vault.fingerprint(asked), body=body)
            if not await transaction.claim({key: answer}):
                return replay((await transaction.answers([key]))[key], asked, doors.vault)
    return Reply(body=body)


async def carry_out_asked(*, doors: Doors) -> int:
    """Enter the modes that rules asked for, unless one as strong is in force; how many were looked at."""
    async with doors.store.transaction() as transaction:
        asked = await transaction.modes.asked(MOST_ASKED)
        # One order of locks, so that two replicas cannot lock each other out.
        for county in sorted({county_of(change.area) for change in asked}):
            await transaction.modes.hold(county)
        for one in asked:
            await _carry_out(one, transaction, doors=doors)
    return len(asked)


async def _carry_out(asked: ModeChange, transaction: Transaction, *, doors: Doors) -> None:
    try:
        playbook = doors.playbooks.of(asked.area)
    except NoPlaybook:
        await transaction.modes.decide(replace(asked, state=ChangeState.VOID))
        return
    change = carried_out(asked, modes=await transaction.modes.over(asked.area), playbook=playbook)
    if change.state is ChangeState.IN_FORCE:
        await _enter(change, transaction, playbook=playbook, doors=doors)
    else:
        await transaction.modes.decide(change)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """One batch of a walk: how many cases were looked at and how many changed; ``done`` when it was the last."""

    seen: int
    changed: int
    done: bool


async def settle_batch(*, doors: Doors, most: int) -> Settled | None:
    """Bring the next cases of a changed area into the mode in force there, each in a transaction; None without work.

    Killed half-way, the walk goes on where its last batch ended: a case that is in its mode already
    is left alone.
    """
    async with doors.store.transaction() as transaction:
        settling = await transaction.modes.take_settling()
        cases = [] if settling is None else await transaction.modes.next_cases(settling, most)
    if settling is None:
        return None
    changed = 0
    for _, case_id in cases:
        changed += await _settle(case_id, settling, doors=doors)
    done = len(cases) < most
    async with doors.store.transaction() as transaction:
        if cases:
            await transaction.modes.walked(settling, to=cases[-1], seen=len(cases), changed=changed)
        if done:
            await transaction.modes.finish(settling, at=doors.clock())
    return Settled(seen=len(cases), changed=changed, done=done)


async def _settle(case_id: UUID, settling: Settling, *, doors: Doors) -> int:
    async with doors.store.transaction() as transaction:
        case = (await transaction.load([case_id])).get(case_id)
        if case is None:
            return 0
        mode = mode_of(case.view.area, case.view.purpose, await transaction.modes.over(case.view.area))
        now = doors.clock()
        command = ChangeMode(mode=mode, by=settling.by, reason=settling.reason, change_id=settling.change_id)
        events = decide(case, command, now)
        if events:
            await transaction.save([change_of(case, events, at=now)])
    doors.tell.settled(len(events))
    return len(events)


async def _enter(change: ModeChange, transaction: Transaction, *, playbook: Playbook, doors: Doors) -> str:
    """Put the change into force; its answer in JSON."""
    now = doors.clock()
    areas = await transaction.modes.over(change.area)
    last = next((one for one in areas if one.area == change.area), None)
    event = Event(
        id=derive_id(change.change_id, "entered"),
        source=SOURCE,
        subject=change.area,
        time=now,
        sequence=1 if last is None else last.version + 1,
        data=entered(change, before=last, playbook=playbook, now=now),
        traceparent=current_traceparent(),
    )
    await transaction.modes.decide(change)
    await transaction.modes.enter(event)
    doors.tell.mode_entered(event.data.kind)
    return _answer(change, before=event.data.before)


def _playbook(area: str, doors: Doors) -> Playbook:
    try:
        return doors.playbooks.of(area)
    except NoPlaybook as gone:
        raise PlaybookAway(f"the playbook of {county_of(area)} was withdrawn") from gone


def _answer(change: ModeChange, *, before: str) -> str:
    body = {
        "change_id": change.change_id,
        "area": change.area,
        "mode": change.mode,
        "before": before,
        "state": change.state,
        "expires_at": change.expires_at if change.state is ChangeState.PROPOSED else None,
    }
    return msgspec.json.encode(body).decode()
