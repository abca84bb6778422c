"""What photos say about a report: where and when, for whoever did not say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.intake.domain.reports.report import CLOCKS_APART, Report
from shared.events.parts import Photo


def with_photos(report: Report, photos: Sequence[Photo], *, now: datetime) -> Report:
    """The report with its photos, each once.

    Without a place and an area of its own it lies where the first photo that knows was taken, and
    without a time it happened when the first one was. A camera whose clock runs ahead says no time.
    """
    kept = tuple(replace(one, taken_at=_past(one.taken_at, now)) for one in _each_once(photos))
    place, when = report.place, report.occurred_at
    nowhere = place is None and report.area is None
    if nowhere:
        place = next((one.place for one in kept if one.place is not None), None)
    if when is None:
        when = next((one.taken_at for one in kept if one.taken_at is not None), None)
    by_photo = nowhere and place is not None
    return replace(report, photos=kept, place=place, occurred_at=when, placed_by_photo=by_photo)


def _each_once(photos: Sequence[Photo]) -> list[Photo]:
    return list({one.photo_id: one for one in reversed(photos)}.values())[::-1]


def _past(moment: datetime | None, now: datetime) -> datetime | None:
    return None if moment is None or moment > now + CLOCKS_APART else moment
