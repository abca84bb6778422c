"""The audit read and checked; it is intake's own book, so it is read here and not at the notifier."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import Query
from fastapi.routing import APIRouter

from services.intake.api.bodies.privacy import (
    CheckedBody,
    EntriesBody,
    EntryBody,
    FactsCheckedBody,
    FlawBody,
    HeadBody,
)
from services.intake.api.custody import Auditor, InCustody
from services.intake.api.rooms import problems
from services.intake.domain.auditing import Entry, Flaw
from services.intake.handlers.auditing import About, entries_about
from shared.vocabulary import AreaCode

router = APIRouter(prefix="/v1/audit")
MOST_ENTRIES: Final = 500
_FIRST: Final = UUID(int=0)
Bigint = Annotated[int, Query(ge=0, le=2**63 - 1)]


@router.get(
    "",
    summary="Read the audit of a case, a report or an area's modes",
    response_model=EntriesBody,
    responses=problems(401, 403, 404, 422, 503),
)
async def get_entries(  # noqa: PLR0913  each is one parameter of the query
    bearer: Auditor,
    custody: InCustody,
    *,
    case_id: Annotated[UUID | None, Query(description="The case whose facts are read.")] = None,
    report_id: Annotated[UUID | None, Query(description="The report, for looks at who reported.")] = None,
    modes_of: Annotated[AreaCode | None, Query(description="The area, for changes of mode in it and below it.")] = None,
    after_turn: Bigint = 0,
    after_entry: Bigint = 0,
    most: Annotated[int, Query(ge=1, le=MOST_ENTRIES)] = 100,
) -> EntriesBody:
    """Who did or saw what, when, why and from where; one of `case_id`, `report_id` and `modes_of`."""
    about = About(case_id=case_id, report_id=report_id, modes_of=modes_of)
    found = await entries_about(about=about, after=(after_turn, after_entry), most=most, bearer=bearer, custody=custody)
    return EntriesBody(entries=[_entry(one) for one in found])


@router.get("/head", summary="The audit's last head", response_model=HeadBody, responses=problems(401, 403, 503))
async def get_head(_bearer: Auditor, custody: InCustody) -> HeadBody:
    """Note it outside: whatever is changed before it, no chain that holds will have this head again."""
    state = await custody.audit.state()
    head = state.head
    return HeadBody(
        block=0 if head is None else head.block,
        head="" if head is None else head.head.hex(),
        sealed_at=None if head is None else head.sealed_at,
        waiting=state.waiting,
        waiting_seconds=state.waiting_seconds,
    )


@router.get(
    "/check", summary="Check the audit's chain", response_model=CheckedBody, responses=problems(401, 403, 422, 503)
)
async def get_check(
    _bearer: Auditor,
    custody: InCustody,
    after: Annotated[int, Query(ge=0, le=2**63 - 1, description="The block behind which to go on.")] = 0,
    most: Annotated[int, Query(ge=1, le=20, description="Blocks of this step.")] = 10,
) -> CheckedBody:
    """Recompute the marks and heads of a few blocks, and compare each fact with what the case's log holds."""
    found = await custody.audit.check(after=after, most=most)
    return CheckedBody(
        last=found.last, entries=found.entries, head=found.head.hex(), flaw=_flaw(found.flaw), more=found.more
    )


@router.get(
    "/check-facts",
    summary="Check that every fact has its entry",
    response_model=FactsCheckedBody,
    responses=problems(401, 403, 422, 503),
)
async def get_check_facts(
    _bearer: Auditor,
    custody: InCustody,
    after: Annotated[UUID, Query(description="The case behind which to go on.")] = _FIRST,
    most: Annotated[int, Query(ge=1, le=1000, description="Cases of this step.")] = 500,
) -> FactsCheckedBody:
    """Whether the versions of a few cases have no hole, and each of their facts an entry.

    The first step compares the changes of mode, and the modes in force, with their entries too.
    """
    last, flaw = await custody.audit.check_facts(after=after, most=most)
    return FactsCheckedBody(last=last, flaw=_flaw(flaw))


def _flaw(flaw: Flaw | None) -> FlawBody | None:
    return None if flaw is None else FlawBody(block=flaw.block, entry=flaw.entry, words=flaw.words)


def _entry(entry: Entry) -> EntryBody:
    return EntryBody(
        entry=entry.entry,
        turn=entry.turn,
        at=entry.at,
        kind=entry.kind,
        subject=entry.subject,
        version=entry.version,
        event_id=entry.event_id,
        who=entry.who,
        key_id=entry.key_id,
        why=entry.why,
        origin=entry.origin,
        digest=entry.digest.hex(),
    )
