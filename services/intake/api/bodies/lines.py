"""What stands in one line of a batch, and in the line that answers it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from services.intake.api.bodies.parts import Body
from services.intake.api.bodies.problems import ProblemBody
from services.intake.api.bodies.reports import AcceptedBody, ReportBody
from shared.runtime.patterns import VISIBLE


class LineBody(ReportBody):
    """One report of a batch; `key` is your own name for it, as `Idempotency-Key` is for a single one."""

    key: Annotated[str | None, Field(min_length=1, max_length=128, pattern=VISIBLE)] = None


class LineAnswerBody(Body):
    """What became of one line: `report` when its status is 201, else `problem`."""

    line: int
    status: int
    replayed: bool = False
    report: AcceptedBody | None = None
    problem: ProblemBody | None = None
