"""The release before this one is still at work: its cases are read, its rows are mended when it is gone."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import uuid4

import msgspec
import pytest

from services.intake.domain.life.commands import FoldOrderIssued, ResolveOrder, SignOrder
from services.intake.domain.moves.decide import decide
from services.intake.handlers.doors import change_of
from services.intake.store.cases import PostgresCaseStore
from shared.runtime.migrate import Phase, migrate
from shared.runtime.postgres import open_pool
from shared.vocabulary import CaseState, Purpose
from tests.unit.intake.cases import SOMEBODY, TOWN_DESK, apply, led_by, opening, order

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
NEW_OF_A_VIEW = ("master", "held", "extensions", "exempt", "mass")
NEW_OF_A_CASE = (
    "extension",
    "hung",
    "supervisions",
    "appeals",
    "graded",
    "handed_over",
    "moved_up",
    "instructed",
)


@pytest.fixture
async def pool(postgres: str) -> AsyncIterator[Pool]:
    await migrate(postgres, ["intake"], phase=Phase.PRE)
    opened = await open_pool(postgres, "intake")
    yield opened
    await opened.close()


async def test_a_case_of_the_release_before_is_read_worked_on_and_found_by_its_place(pool: Pool, postgres: str) -> None:
    case = apply(led_by(TOWN_DESK))
    case_id = uuid4()
    snapshot = json.loads(msgspec.json.encode(case))
    snapshot["view"] = {k: v for k, v in snapshot["view"].items() if k not in NEW_OF_A_VIEW}
    snapshot["view"]["case_id"] = str(case_id)
    for new in NEW_OF_A_CASE:
        del snapshot[new]
    old_statement = """
        INSERT INTO case_snapshot (case_id, version, state, area, snapshot, updated_at, category, opened_at, purpose,
            closed)
        VALUES ($1, 2, $2, $3, $4::text::jsonb, $5, $6, $7, 'real', false)
    """
    view = case.view
    await pool.execute(
        old_statement, case_id, view.state, view.area, json.dumps(snapshot), AT, view.category, view.opened_at
    )

    async with PostgresCaseStore(pool).transaction() as transaction:
        found = (await transaction.load([case_id]))[case_id]
        assert (found.view.purpose, found.view.held, found.supervisions) == (Purpose.REAL, None, ())
        assert found.lead is not None
        lead = found.lead.order_id
        events = decide(found, SignOrder(order_id=lead, by=SOMEBODY), AT)
        change = change_of(found, events, at=AT)
        done = decide(change.case, ResolveOrder(order_id=lead, by=SOMEBODY, note="好"), AT)
        change = change_of(found, (*events, *done), at=AT)
        assert change.case.view.state is CaseState.RESOLVED
        await transaction.save([change])

    columns = "SELECT category, opened_at, closed FROM case_snapshot WHERE case_id = $1"
    mended = await pool.fetchrow(columns, case_id)
    assert mended is not None
    assert (mended["category"], mended["closed"]) == (case.view.category, False)
    await migrate(postgres, ["intake"], phase=Phase.POST)
    late = opening(case_id=uuid4())
    opened = change_of(None, decide(None, late, AT), at=AT)
    routed = decide(opened.case, FoldOrderIssued(order=order(TOWN_DESK)), AT)
    async with PostgresCaseStore(pool).transaction() as transaction:
        await transaction.save([change_of(None, (*decide(None, late, AT), *routed), at=AT)])
