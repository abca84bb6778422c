"""Orders come from the router for a case on a real PostgreSQL, and what the case's log then tells."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

from services.intake.domain.life.case import Case
from services.intake.handlers import (
    fold_batch,
)
from shared.events.order import OrderIssued
from shared.events.parts import Target
from shared.vocabulary import Level, OrderRole, TargetKind
from tests.fakes.small_county import GAS_BUREAU
from tests.integration.intake.harness import Intake, order_of, record_of, why

BUREAU = Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU, name="燃气公司")
POLICE = Target(kind=TargetKind.DEPARTMENT, id="police", name="police")


async def case_of(intake: Intake, case_id: UUID) -> Case:
    async with intake.doors.store.transaction() as transaction:
        return (await transaction.load([case_id]))[case_id]


async def told(intake: Intake, case_id: UUID) -> list[str]:
    rows = await intake.pool.fetch("SELECT type FROM case_event WHERE case_id = $1 ORDER BY version", case_id)
    return [row["type"].split(".")[2] for row in rows]


async def issue(intake: Intake, case_id: UUID, target: Target = BUREAU, **changes: Any) -> OrderIssued:
    case = (await case_of(intake, case_id)).view
    sets = changes.pop("sets", None)
    role = changes.pop("role", OrderRole.LEAD)
    order = replace(order_of(case, target, role, Level.COUNTY, generation=case.reopened), **changes)
    issued = OrderIssued(order=order, case=case, explanation=why(), cause_id=uuid4(), sets=sets)
    outcome = await fold_batch([record_of(issued, case_id)], doors=intake.doors)
    assert outcome.rejected == []
    return issued
