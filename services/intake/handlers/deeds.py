"""Actions of one moment are kept by one transaction, those on one case one after the other."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from services.intake.domain.asking.actions import ActionRequest
from services.intake.domain.life.case import Case
from services.intake.domain.life.permissions import Bearer
from services.intake.handlers.doors import Doors, Reply, UnknownCase, replay
from services.intake.handlers.papers import KeptMeanwhile, until_kept
from services.intake.ports import Answer, Change, ClientKey, PlaybookAway, Transaction
from shared.vocabulary import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What somebody asks to be done to a case, and in bytes what was asked under ``key``."""

    case_id: UUID
    request: ActionRequest
    bearer: Bearer
    key: ClientKey | None
    asked: bytes
    context: contextvars.Context = field(default_factory=contextvars.copy_context)
    """The trace and the origin that its events are to carry: those of who asked."""


Act = Callable[[Case, Deed, Transaction], Coroutine[None, None, tuple[str, Change]]]
"""The answer and the change that a deed makes of a case; raises ``Refused`` and writes nothing."""


async def do_all(deeds: Sequence[Deed], *, act: Act, doors: Doors) -> list[Reply | Exception]:
    """The answer to each deed, in order, once all are durable in one transaction; or its refusal.

    Raises:
        KeptMeanwhile: other replicas keep these keys again and again; nothing was kept.
        Exception: an outage, or the fault of a deed; nothing was kept.
    """
    return await until_kept(lambda: _do(deeds, act, doors))


async def _do(deeds: Sequence[Deed], act: Act, doors: Doors) -> list[Reply | Exception]:
    async with doors.store.transaction() as transaction:
        # The locks come first: a second request with a key waits here, then finds the answer.
        cases = dict(await transaction.load({deed.case_id for deed in deeds}))
        keys = {deed.key for deed in deeds if deed.key is not None}
        batch = _Batch(cases=cases, known=dict(await transaction.answers(keys)) if keys else {})
        replies = [await batch.do(deed, act, transaction, doors) for deed in deeds]
        if batch.fresh and await transaction.claim(batch.fresh) != batch.fresh.keys():
            raise KeptMeanwhile("another replica keeps the same keys in this moment")
        await transaction.save(batch.changes)
    return replies


@dataclass(slots=True, kw_only=True)
class _Batch:
    """The cases as the deeds before have left them, the answers there were and those that are new."""

    cases: dict[UUID, Case]
    known: dict[ClientKey, Answer]
    fresh: dict[ClientKey, Answer] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)

    async def do(self, deed: Deed, act: Act, transaction: Transaction, doors: Doors) -> Reply | Exception:
        case = self.cases.get(deed.case_id)
        if case is None:
            return UnknownCase(f"there is no case {deed.case_id}", field="path:case_id")
        answer = None if deed.key is None else self.known.get(deed.key)
        try:
            if answer is not None:
                return replay(answer, deed.asked, doors.vault)
            body, change = await asyncio.create_task(act(case, deed, transaction), context=deed.context)
        except (Refused, PlaybookAway) as refusal:
            return refusal
        self.cases[deed.case_id] = change.case
        self.changes.append(change)
        if deed.key is not None:
            answer = Answer(fingerprint=doors.vault.fingerprint(deed.asked), body=body)
            self.fresh[deed.key] = self.known[deed.key] = answer
        return Reply(body=body)
