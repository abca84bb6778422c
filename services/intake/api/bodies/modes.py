"""What a caller who changes a mode sends and gets."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from services.intake.api.bodies.parts import Body
from services.intake.domain.modes import ChangeState, ModeRequest
from shared.events.parts import Slug
from shared.vocabulary import AreaCode

MODE_EXAMPLE: Final[JsonDict] = {"area": "990101", "mode": "flood-3", "reason": "县防指启动防汛三级响应"}


class ModeBody(Body):
    """A change of mode: `normal` leaves the one in force in `area`."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra={"examples": [MODE_EXAMPLE]})

    area: AreaCode
    mode: Slug
    reason: Annotated[str, Field(min_length=1, max_length=2000)]

    def as_request(self) -> ModeRequest:
        """The request as the domain knows it."""
        return ModeRequest(area=self.area, mode=self.mode, reason=self.reason)


class ModeChangeBody(Body):
    """A change of mode: `proposed` until a second person confirms it before `expires_at`, then `in_force`."""

    change_id: UUID
    area: AreaCode
    mode: Slug
    before: Slug
    state: ChangeState
    expires_at: AwareDatetime | None
