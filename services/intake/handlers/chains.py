"""A warning comes in, for the first time or again: one open case stands for all of its messages."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

import msgspec

from services.intake.domain.life.case import Case
from services.intake.domain.life.filing_commands import NoteCase
from services.intake.domain.life.permissions import Bearer, must_report
from services.intake.domain.moves.decide import decide
from services.intake.domain.reports.report import Report
from services.intake.domain.reports.texts import clean
from services.intake.domain.sources.chains import Chain, Note, Open, Outcome, Says, Stay, next_step
from services.intake.handlers.doors import Doors, KeyReused, change_of
from services.intake.handlers.reports import accept_report
from services.intake.handlers.turns import Crowded
from services.intake.ports import ClientKey, Transaction
from shared.masking import mask
from shared.vocabulary import CASE_ENDED, CaseState, county_of

MOST_MERGES: Final = 8
"""How far a case that was merged is followed."""
MOST_OF_NOTE: Final = 2000
TRIES: Final = 4
"""How often a message is taken anew because another of its warning came first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message of a warning.

    ``front`` is the protocol and ``reference`` the name in it: of the warning, or with ``once`` of this message
    alone, and then ``earlier`` are names of messages of the same warning, the first one first. ``note`` is what its
    case is told when it stands already.
    """

    front: str
    reference: str
    says: Says
    report: Report
    note: str
    once: bool = False
    earlier: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The name that all messages of its warning know, as far as one can tell."""
        return self.earlier[0] if self.earlier else self.reference

    @property
    def names(self) -> tuple[str, ...]:
        """Every name by which its chain may be known."""
        return (self.reference, *self.earlier)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What became of a message, and of which case."""

    outcome: Outcome
    case_id: UUID | None


async def take_message(message: Message, *, bearer: Bearer, doors: Doors) -> Taken:
    """Open the warning's case, or tell it what is new; the same message again does nothing.

    Raises:
        NotYours: the bearer's key does not cover the area, or sends no reports.
        Crowded: its warning's case was ended and opened anew again and again meanwhile.
        Refused: the message is wrong; names the field and what is allowed.
    """
    must_report(bearer, bearer.area)
    for _ in range(TRIES):
        async with doors.store.transaction() as transaction:
            step = await _told(message, transaction, bearer=bearer, doors=doors)
        taken = step if isinstance(step, Taken) else await _opened(message, step, bearer=bearer, doors=doors)
        if taken is not None:
            return taken
    raise Crowded("messages of this warning come too fast")


async def _told(message: Message, transaction: Transaction, *, bearer: Bearer, doors: Doors) -> Taken | Open:
    """What becomes of the message where its case stands; where none does, that one is to be opened."""
    county = county_of(bearer.area)
    chain, case = await _standing(message, county, transaction)
    if message.once and (seen := await transaction.chains.find(county, message.front, [message.reference])):
        return Taken(outcome=Outcome.KNOWN, case_id=seen.case_id)
    if case is not None:
        must_report(bearer, case.view.area)
    ended = case is None or case.view.state in CASE_ENDED
    step = next_step(chain, message.says, ended=ended, graver=_is_graver(message, case))
    if isinstance(step, Open):
        return step
    if isinstance(step, Note) and case is not None:
        await _note(message, step, case, transaction, bearer=bearer, doors=doors)
    if step.after is not None and case is not None:
        after = replace(step.after, reference=message.reference, case_id=case.view.case_id)
        await transaction.chains.keep(after, at=doors.clock())
    outcome = step.outcome if isinstance(step, Stay) else Outcome.NOTED
    return Taken(outcome=outcome, case_id=None if case is None else case.view.case_id)


async def _standing(message: Message, county: str, transaction: Transaction) -> tuple[Chain | None, Case | None]:
    """The message's chain and its case, locked by the case: all that hear of one warning wait there in turn."""
    chain = await transaction.chains.find(county, message.front, message.names)
    for _ in range(TRIES):
        case = None if chain is None else await _case_of(chain, transaction)
        # Asked again behind the lock: who had it before may have told the case the same, or opened the next one.
        before, chain = chain, await transaction.chains.find(county, message.front, message.names)
        if (before and before.case_id) == (chain and chain.case_id):
            return chain, case
    raise Crowded("cases of this warning open and end too fast")


async def _case_of(chain: Chain, transaction: Transaction) -> Case | None:
    """The case that stands for the chain, or the one that it was merged into."""
    case_id: UUID | None = chain.case_id
    for _ in range(MOST_MERGES):
        case = None if case_id is None else (await transaction.load([case_id])).get(case_id)
        if case is None or case.view.state is not CaseState.MERGED:
            return case
        case_id = case.view.master
    return None


def _is_graver(message: Message, case: Case | None) -> bool:
    severity = message.report.severity
    return case is not None and severity is not None and severity < case.view.severity


async def _note(
    message: Message, step: Note, case: Case, transaction: Transaction, *, bearer: Bearer, doors: Doors
) -> None:
    now = doors.clock()
    words = mask(clean(message.note, field="text"))[:MOST_OF_NOTE]
    # An end makes nothing graver, whatever it says.
    at_least = None if message.says is Says.ENDS else message.report.severity
    command = NoteCase(
        by=bearer.actor, note=words, kind=step.kind, reference=_digest(message.reference), at_least=at_least
    )
    await transaction.save([change_of(case, decide(case, command, now), at=now)])


async def _opened(message: Message, step: Open, *, bearer: Bearer, doors: Doors) -> Taken | None:
    """The case is opened, once for all keys and replicas; None when other words of the same warning came first."""
    county = county_of(bearer.area)
    key = ClientKey(owner=f"chain:{county}", key=f"{message.front}-{_digest(message.root)[:40]}-{step.round}")
    try:
        reply = await accept_report(message.report, bearer=bearer, client_key=key, doors=doors)
    except KeyReused:
        await _opened_by_another(message, key, step, county=county, doors=doors)
        return None
    case_id = _case_in(reply.body)
    chain = Chain(county=county, front=message.front, reference=message.root, case_id=case_id, round=step.round)
    async with doors.store.transaction() as transaction:
        for name in sorted(message.names):
            await transaction.chains.keep(replace(chain, reference=name), at=doors.clock())
    return Taken(outcome=Outcome.KNOWN if reply.replayed else Outcome.OPENED, case_id=case_id)


async def _opened_by_another(message: Message, key: ClientKey, step: Open, *, county: str, doors: Doors) -> None:
    """Whoever opened the case may not have come to note the chain yet: it is noted by the name that both know."""
    async with doors.store.transaction() as transaction:
        known = await transaction.chains.find(county, message.front, [message.root])
        if known is not None and known.round >= step.round:
            return
        case_id = _case_in((await transaction.answers([key]))[key].body)
        chain = Chain(county=county, front=message.front, reference=message.root, case_id=case_id, round=step.round)
        await transaction.chains.keep(chain, at=doors.clock())


def _case_in(body: str) -> UUID:
    return UUID(msgspec.json.decode(body)["case_id"])


def _digest(reference: str) -> str:
    return hashlib.sha256(reference.encode()).hexdigest()
