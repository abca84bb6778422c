"""What is told of cases that a report may be about."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, Field

from services.intake.api.bodies.parts import Body
from shared.vocabulary import CaseState


class AlikeCaseBody(Body):
    """A case that may be the same matter; nothing of it that is personal."""

    case_id: UUID
    title: str
    state: CaseState
    opened_at: AwareDatetime
    reports: Annotated[int, Field(ge=1, description="How many reports the case stands for.")]
    metres: Annotated[int | None, Field(description="From the report's point to the case's, when both have one.")]
    score: Annotated[float, Field(ge=0, le=1)]
    why: Annotated[str, Field(description="What speaks for it and against it.")]
    takes_reports: Annotated[bool, Field(description="Whether a report with `same_as` may join it.")]


class AlikeBody(Body):
    """At most five, the likest first."""

    alike: Annotated[list[AlikeCaseBody], Field(max_length=5)]
