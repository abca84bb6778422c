"""A report comes in: it becomes a case, or is refused with what is allowed."""

from __future__ import annotations

from uuid import uuid4

from services.intake.domain.permissions import Bearer, must_report
from services.intake.domain.reports import Report, report_id_of
from services.intake.handlers.doors import Doors, KeyReused, Reply, replay
from services.intake.handlers.drafting import Draft, asked_by, prepare
from services.intake.handlers.filing import file_all
from services.intake.ports import Answer, ClientKey
from shared.vocabulary import Refused


async def accept_report(report: Report, *, bearer: Bearer, client_key: str | None, doors: Doors) -> Reply:
    """Open the case of ``report`` and answer once it is durable; the same key and report: the same answer.

    Raises:
        NotYours: the bearer's key does not cover the report's area, or sends no reports.
        KeyReused: the client key belongs to another report.
        Refused: the report is wrong; names the field and what is allowed.
    """
    asked = asked_by(report)
    key = None if client_key is None else ClientKey(owner=bearer.key_id, key=client_key)
    report_id = uuid4() if key is None else report_id_of(key.owner, key.key)
    try:
        draft = prepare(report, report_id=report_id, by=bearer.actor, at=bearer.area, doors=doors)
        must_report(bearer, draft.command.area)
        return await _keep(draft, key, asked, doors=doors)
    except Refused as refusal:
        # What was accepted once stays accepted, though the playbook or the key's scope has changed since.
        known = None if key is None or isinstance(refusal, KeyReused) else await _known(key, doors)
        if known is None:
            raise
        return replay(known, asked, doors.vault)


async def _keep(draft: Draft, key: ClientKey | None, asked: bytes, *, doors: Doors) -> Reply:
    async with doors.store.transaction() as transaction:
        (filing,) = await file_all([draft], transaction, doors=doors)
        if key is not None:
            answer = Answer(fingerprint=doors.vault.fingerprint(asked), body=filing.answer)
            if not await transaction.claim({key: answer}):
                return replay((await transaction.answers([key]))[key], asked, doors.vault)
        await transaction.save(filing.changes)
        await transaction.file([filing.report])
    return Reply(body=filing.answer)


async def _known(key: ClientKey, doors: Doors) -> Answer | None:
    async with doors.store.transaction() as transaction:
        return (await transaction.answers([key])).get(key)
