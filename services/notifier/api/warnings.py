"""Early warnings (风险预警): what is more than usual, where, by which figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response

from services.notifier.api.filters import AreaQuery, Asked
from services.notifier.api.responses import problems
from services.notifier.api.rooms import InRooms, Reader, answer, scope_of
from services.notifier.store.warnings import WarningRow
from shared.events.warning import EarlyWarning
from shared.words import Words

router = APIRouter(prefix="/v1")


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningView:
    """A warning with its figures and why; ``opens_case``: a case was opened for it."""

    warning: EarlyWarning
    title: Words
    why: Words
    raised_at: datetime | None
    ended_at: datetime | None
    opens_case: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WarningListView:
    """Newest first, at most 200."""

    warnings: Sequence[WarningView]
    now: datetime


@router.get(
    "/warnings", summary="Early warnings", response_model=WarningListView, responses=problems(401, 403, 422, 503)
)
async def get_warnings(
    rooms: InRooms,
    reader: Reader,
    *,
    area: AreaQuery = None,
    ended: Annotated[bool, Query(description="Those that are over as well.")] = False,
) -> Response:
    """Of the key's area (or `area` in it) and what lies inside; a department's key sees none."""
    asked = Asked(area=area).filter(reader)
    found = await rooms.warnings.find(scope_of(reader), area=asked.area, ended=ended)
    return answer(WarningListView(warnings=[_view(row) for row in found], now=rooms.clock()))


def _view(row: WarningRow) -> WarningView:
    warning = row.warning
    return WarningView(
        warning=warning,
        title=Words(zh=warning.title, en=warning.title_en),
        why=Words(zh=warning.reason, en=warning.reason_en),
        raised_at=row.raised_at,
        ended_at=row.ended_at,
        opens_case=row.opens_case,
    )
