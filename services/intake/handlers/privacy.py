"""Somebody looks at personal data, or it is taken out: each time with a reason, and each time in the audit."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import msgspec

from services.intake.custody import Custody, KeptReport, Looked, Unsealed
from services.intake.domain.life.permissions import Bearer, NotYours
from services.intake.domain.reports.persons import ERASED, About, Sight, must_keep_the_books, shown, sight_of
from services.intake.domain.reports.texts import clean
from services.intake.ports import NoPlaybook
from services.intake.vault import Unreadable
from shared.playbook.model import Retention
from shared.runtime.origin import current_origin
from shared.vocabulary import Refused, Role, covers

MOST_OF_A_PERSON: Final = 1000
"""Reports of one person that one answer holds, and one order removes."""
ROWS_A_ROUND: Final = 500
NOBODY: Final = UUID(int=0)
"""The subject of what is about no single report."""


class UnknownReport(Refused):
    """There is no such report where this key may look."""


class NobodyThere(Refused):
    """The report names nobody, or its reporter was erased."""


async def reveal_reporter(report_id: UUID, reason: str, *, bearer: Bearer, custody: Custody) -> Mapping[str, Any]:
    """Who reported, as much of it as the bearer may see, written into the audit before it is shown.

    Raises:
        UnknownReport: there is no such report, or it lies outside the key's area.
        NotYours: the bearer's role and level see nothing of a reporter.
        NobodyThere: nobody is named, or not any more.
    """
    reason = clean(reason, field="reason")
    kept = await _report(report_id, bearer, custody)
    sight = sight_of(bearer, _about(kept, custody))
    if sight is Sight.NOTHING:
        raise _unseen(kept)
    personal = await _personal(kept, custody)
    reporter = personal.get("reporter")
    if reporter is None:
        raise NobodyThere("this report names nobody, or not any more", field="path:report_id")
    seen = shown(sight, name=reporter["name"], phone=reporter["phone"], address=reporter["address"])
    answer: dict[str, Any] = {
        "report_id": report_id,
        "case_id": kept.case_id,
        "sight": sight.value,
        "secret": kept.secret,
        **seen,
    }
    if sight is Sight.FULL and "text" in personal:
        answer["text"] = personal["text"]
    if sight is Sight.CONTACT:
        answer["contact"] = f"the desk of {kept.area[:9]}"
    await custody.audit.note([_look("read", report_id, answer, bearer=bearer, why=reason, custody=custody)])
    custody.watch.seen("read", sight.value)
    return answer


async def export_person(phone: str, reason: str, *, bearer: Bearer, custody: Custody) -> Mapping[str, Any]:
    """Everything that is kept of whoever has this phone, in the key's area; written into the audit.

    Raises:
        NotYours: the bearer is no operator of a county.
        Refused: that is no phone.
    """
    must_keep_the_books(bearer)
    reason = clean(reason, field="reason")
    reports = await _of_person(phone, bearer, custody)
    told = [await _told(kept, bearer, custody) for kept in reports]
    answer = {"reports": told, "complete": len(told) < MOST_OF_A_PERSON}
    looks = [_look("export", kept.report_id, answer, bearer=bearer, why=reason, custody=custody) for kept in reports]
    looks = looks or [_look("export", NOBODY, answer, bearer=bearer, why=reason, custody=custody)]
    await custody.audit.note(looks)
    custody.watch.seen("export", Sight.FULL.value)
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """What is to be taken out: all of one phone's reports, or one report."""

    phone: str | None = None
    report_id: UUID | None = None


async def erase_person(what: Erasure, reason: str, *, bearer: Bearer, custody: Custody) -> Mapping[str, int]:
    """Take out what is personal: who reported, the text's own words, photos. Facts and figures stay.

    Raises:
        NotYours: the bearer is no operator of a county.
        UnknownReport: there is no such report in the key's area.
        Refused: neither a phone nor a report is named, or both; or that is no phone.
    """
    must_keep_the_books(bearer)
    reason = clean(reason, field="reason")
    if (what.phone is None) == (what.report_id is None):
        raise Refused("one of phone and report_id", field="phone", allowed=["a phone", "a report_id"])
    if what.report_id is not None:
        reports: Sequence[KeptReport] = [await _report(what.report_id, bearer, custody)]
    else:
        reports = await _of_person(what.phone or "", bearer, custody)
    looks = [_look("erase", kept.report_id, ERASED, bearer=bearer, why=reason, custody=custody) for kept in reports]
    photos = await _taken_out([kept.report_id for kept in reports], looks, custody)
    return {"reports": len(reports), "photos": photos, "left": int(len(reports) == MOST_OF_A_PERSON)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """How far a walk over one county's reports has come; ``outlived`` is what the last step found."""

    after: tuple[datetime, UUID]
    outlived: int
    more: bool


async def retain(
    county: str, *, after: tuple[datetime, UUID], dry_run: bool, by: Bearer | None, custody: Custody
) -> Walk:
    """One step over a county's reports, oldest first: what has outlived its time is taken out, or only counted.

    ``by`` is None when nobody asked and the time has simply come.
    """
    now = custody.clock()
    before = now - timedelta(days=_retention(county, custody).reporter_days)
    rows = await custody.persons.outlived(county=county, before=before, after=after, most=ROWS_A_ROUND)
    old = [report_id for _, report_id, outlived in rows if outlived]
    if old and not dry_run:
        why = f"kept since before {before.date().isoformat()}, as the county's playbook says"
        looks = [_look("retain", report_id, ERASED, bearer=by, why=why, custody=custody) for report_id in old]
        await _taken_out(old, looks, custody)
    last = (rows[-1][0], rows[-1][1]) if rows else after
    return Walk(after=last, outlived=len(old), more=len(rows) == ROWS_A_ROUND)


async def retain_photos(county: str, *, custody: Custody) -> int:
    """Remove photos that have outlived the county's time, five hundred at most; how many."""
    now = custody.clock()
    before = now - timedelta(days=_retention(county, custody).photo_days)
    why = f"photos kept since before {before.date().isoformat()}, as the playbook of {county} says"

    def looks(count: int) -> Sequence[Looked]:
        return [_look("retain", NOBODY, {"photos": count}, bearer=None, why=why, custody=custody)]

    removed, orphans = await custody.persons.remove_photos(county=county, before=before, most=ROWS_A_ROUND, looks=looks)
    await _burn(orphans, custody)
    if removed:
        custody.watch.removed("photos", removed)
    return removed


async def forget_client_keys(*, custody: Custody, most: int = ROWS_A_ROUND) -> int:
    """Remove answers under client keys that are older than every county still knows them."""
    days = [_retention(county, custody).client_key_days for county in custody.playbooks.counties()]
    before = custody.clock() - timedelta(days=max(days, default=Retention().client_key_days))
    removed = await custody.persons.forget_client_keys(before=before, most=most)
    if removed:
        custody.watch.removed("client_keys", removed)
    return removed


async def rewrap(reason: str, *, after: UUID, bearer: Bearer, custody: Custody) -> Mapping[str, Any]:
    """Wrap data keys by the newest key, and seal by data keys what none of them seals: one step behind ``after``.

    Raises:
        NotYours: the bearer is no operator of a county.
    """
    must_keep_the_books(bearer)
    reason = clean(reason, field="reason")
    wrapped = await custody.vault.rewrap()
    step = await reseal(after=after, custody=custody)
    answer = {
        "rewrapped": wrapped["rewrapped"],
        "left": wrapped["left"],
        "resealed": step.resealed,
        "unreadable": step.unreadable,
        "after": step.after,
    }
    await custody.audit.note([_look("rewrap", NOBODY, answer, bearer=bearer, why=reason, custody=custody)])
    return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Resealed:
    """What one step of sealing anew did; ``after`` is None behind the last row."""

    resealed: int
    unreadable: int
    after: UUID | None


async def reseal(*, after: UUID, custody: Custody) -> Resealed:
    """Seal by data keys what wrapping keys sealed themselves, and note whose it is; at most 500 rows.

    A row that opens with no key in force is counted and left as it is.
    """
    rows = await custody.persons.unsealed(after=after, most=ROWS_A_ROUND)
    anew = [one for row in rows if (one := await _anew(row, custody)) is not None]
    done = await custody.persons.reseal(anew) if anew else 0
    last = rows[-1].report_id if len(rows) == ROWS_A_ROUND else None
    return Resealed(resealed=done, unreadable=len(rows) - len(anew), after=last)


async def _anew(row: Unsealed, custody: Custody) -> tuple[Unsealed, bytes, bytes | None] | None:
    try:
        plain = await custody.vault.read(row.sealed, about=row.report_id)
    except Unreadable:
        return None
    phone = (msgspec.json.decode(plain).get("reporter") or {}).get("phone", "")
    return row, custody.vault.seal(plain, county=row.county, about=row.report_id), custody.vault.person(phone)


async def _report(report_id: UUID, bearer: Bearer, custody: Custody) -> KeptReport:
    kept = await custody.persons.report(report_id)
    if kept is None or not covers(bearer.area, kept.area):
        raise UnknownReport(f"there is no report {report_id} in {bearer.area}", field="path:report_id")
    return kept


async def _of_person(phone: str, bearer: Bearer, custody: Custody) -> Sequence[KeptReport]:
    person = custody.vault.person(phone)
    if person is None:
        raise Refused("that is no phone", field="phone", allowed=["5 or more digits"])
    return await custody.persons.of_person(person, area=bearer.area, most=MOST_OF_A_PERSON)


async def _told(kept: KeptReport, bearer: Bearer, custody: Custody) -> Mapping[str, Any]:
    """One report as its reporter is told; one that asked for secrecy opens to the county's leader alone."""
    told = {
        "report_id": kept.report_id,
        "case_id": kept.case_id,
        "source": kept.source,
        "received_at": kept.received_at,
        "area": kept.area,
        "state": kept.state.value,
        "photos": kept.photos,
        "secret": kept.secret,
        "text": kept.text,
    }
    if kept.secret and bearer.role is not Role.LEADER:
        return {**told, "withheld": "asked for secrecy: the county's leader may export it"}
    try:
        return {**told, **await _personal(kept, custody)}
    except Unreadable as unreadable:
        return {**told, "unreadable": unreadable.reason}


async def _personal(kept: KeptReport, custody: Custody) -> Mapping[str, Any]:
    if kept.sealed is None:
        return {}
    found: Mapping[str, Any] = msgspec.json.decode(await custody.vault.read(kept.sealed, about=kept.report_id))
    return found


async def _taken_out(report_ids: Sequence[UUID], looks: Sequence[Looked], custody: Custody) -> int:
    """Rows first: a photo that no report names is garbage at worst, a named one that is gone is a loss."""
    photos = await custody.persons.erase(report_ids, text=ERASED, looks=looks) if report_ids else ()
    await _burn(photos, custody)
    custody.watch.removed("reports", len(report_ids))
    return len(photos)


async def _burn(photos: Sequence[str], custody: Custody) -> None:
    if custody.photos is not None and photos:
        await custody.photos.burn(photos)


def _about(kept: KeptReport, custody: Custody) -> About:
    return About(
        area=kept.area,
        category=kept.category,
        leads=kept.leads,
        secret=kept.secret,
        departments_may_call=custody.playbooks.of(kept.county).policy.departments_may_call,
    )


def _retention(county: str, custody: Custody) -> Retention:
    try:
        return custody.playbooks.of(county).policy.retention
    except NoPlaybook:
        return Retention()


def _unseen(kept: KeptReport) -> NotYours:
    allowed = (
        [f"the leader of {kept.county}: the reporter asked for secrecy"]
        if kept.secret
        else [f"the desk, the leader or an operator of {kept.county}", "the desk of the town, in part"]
    )
    return NotYours("this key sees nothing of who reported", field="Authorization", allowed=allowed)


def _look(kind: str, subject: UUID, what: object, *, bearer: Bearer | None, why: str, custody: Custody) -> Looked:
    actor = None if bearer is None else bearer.actor
    return Looked(
        at=custody.clock(),
        kind=kind,
        subject=subject,
        who="whistle retention" if actor is None else f"{actor.kind} {actor.id} {actor.name}".strip(),
        key_id="" if bearer is None else bearer.key_id,
        why=why,
        origin=str(current_origin()),
        digest=hashlib.sha256(msgspec.json.encode(what)).digest(),
    )
