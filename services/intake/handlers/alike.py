"""Before a report is sent: which cases may be its matter already."""

from __future__ import annotations

from uuid import uuid4

import msgspec

from services.intake.domain.alike.sameness import Unsure, metres_between
from services.intake.domain.life.permissions import Bearer, must_report
from services.intake.domain.reports.report import Report
from services.intake.handlers.doors import Doors
from services.intake.handlers.drafting import prepare
from services.intake.handlers.sorting import asking_of, sorted_out
from services.intake.ports import ShownProfile
from shared.events.parts import Alike, Place


async def find_alike(report: Report, *, bearer: Bearer, doors: Doors) -> str:
    """At most five cases that may be the report's matter, the likest first, in JSON; nothing is kept.

    Only what is public of a case is told: its masked title, its state, when it was opened and how many reports it
    stands for. One that was reported in secret is never told.

    Raises:
        NotYours: the bearer's key does not cover the report's area, or sends no reports.
        Refused: the report is wrong; names the field and what is allowed.
    """
    draft = prepare(report, report_id=uuid4(), by=bearer.actor, at=bearer.area, doors=doors)
    must_report(bearer, draft.sent_for, category=report.category)
    asking = asking_of(draft, doors=doors)
    if asking is None:
        return '{"alike":[]}'
    async with doors.store.transaction() as transaction:
        sorting = await sorted_out([asking], transaction, hold=False)
        verdict = sorting.verdict(asking, joins=False)
        alike = verdict.alike if isinstance(verdict, Unsure) else ()
        shown = await transaction.profiles.shown([one.case_id for one in alike])
    told = [_told(one, shown[one.case_id], report.place) for one in alike if one.case_id in shown]
    return msgspec.json.encode({"alike": told}).decode()


def _told(one: Alike, profile: ShownProfile, place: Place | None) -> dict[str, object]:
    known = None if place is None or profile.place is None else round(metres_between(place, profile.place))
    return {
        "case_id": one.case_id,
        "title": profile.title,
        "state": profile.state,
        "opened_at": profile.opened_at,
        "reports": profile.reports,
        "metres": known,
        "score": one.score,
        "why": one.why,
        "takes_reports": profile.takes_reports,
    }
