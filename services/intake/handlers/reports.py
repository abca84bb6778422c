"""A report comes in: it becomes a case, or is refused with what is allowed."""

from __future__ import annotations

import asyncio
from functools import partial
from uuid import uuid4

from services.intake.domain.life.permissions import Bearer, must_report
from services.intake.domain.reports.report import Report, report_id_of
from services.intake.handlers.doors import Doors, Reply, replay
from services.intake.handlers.drafting import asked_by, prepare
from services.intake.handlers.papers import Paper, keep_all
from services.intake.ports import ClientKey
from shared.vocabulary import Refused


async def accept_report(report: Report, *, bearer: Bearer, client_key: str | ClientKey | None, doors: Doors) -> Reply:
    """Open the case of ``report`` and answer once it is durable; the same key and report: the same answer.

    Reports that come at one time are kept by one transaction. A key that is a text is the bearer's own.

    Raises:
        NotYours: the bearer's key does not cover the report's area, or sends no reports.
        KeyReused: the client key belongs to another report.
        Crowded: too many reports wait, or too many of this key and source.
        Refused: the report is wrong; names the field and what is allowed.
    """
    try:
        begun = begin_report(report, bearer=bearer, client_key=client_key, doors=doors)
    except Refused:
        known = await accepted_before(report, bearer=bearer, client_key=client_key, doors=doors)
        if known is None:
            raise
        return known
    return await begun


def begin_report(
    report: Report, *, bearer: Bearer, client_key: str | ClientKey | None, doors: Doors
) -> asyncio.Future[Reply]:
    """``accept_report`` for who has more to send meanwhile; what was accepted before under another playbook aside.

    Raises:
        NotYours: the bearer's key does not cover the report's area, or sends no reports.
        Crowded: too many reports wait, or too many of this key and source.
        Refused: the report is wrong; names the field and what is allowed.
    """
    paper = paper_of(report, bearer=bearer, client_key=client_key, doors=doors)
    return doors.papers.begin(paper, turn=f"{bearer.key_id} {report.source}", work=partial(keep_all, doors=doors))


def paper_of(report: Report, *, bearer: Bearer, client_key: str | ClientKey | None, doors: Doors) -> Paper:
    """What is to be kept of a report of ``bearer``.

    Raises:
        NotYours: the bearer's key does not cover the report's area, or sends no reports.
        Refused: the report is wrong; names the field and what is allowed.
    """
    key = _key(client_key, bearer)
    report_id = uuid4() if key is None else report_id_of(key.owner, key.key)
    draft = prepare(report, report_id=report_id, by=bearer.actor, at=bearer.area, doors=doors)
    must_report(bearer, draft.sent_for, category=report.category)
    return Paper(draft=draft, key=key, asked=asked_by(report))


async def accepted_before(
    report: Report, *, bearer: Bearer, client_key: str | ClientKey | None, doors: Doors
) -> Reply | None:
    """The answer that ``report`` got under this key when it was first sent.

    What was accepted once stays accepted, though the playbook or the key's scope has changed since.

    Raises:
        KeyReused: the client key belongs to another report.
    """
    key = _key(client_key, bearer)
    if key is None:
        return None
    async with doors.store.transaction() as transaction:
        known = (await transaction.answers([key])).get(key)
    return None if known is None else replay(known, asked_by(report), doors.vault)


def _key(client_key: str | ClientKey | None, bearer: Bearer) -> ClientKey | None:
    return ClientKey(owner=bearer.key_id, key=client_key) if isinstance(client_key, str) else client_key
