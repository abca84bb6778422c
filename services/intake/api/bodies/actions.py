"""What a caller who acts on a case sends and gets."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from services.intake.api.bodies.parts import Body, Id
from services.intake.domain.actions import ActionRequest
from services.intake.domain.states import Action
from services.intake.domain.targets import Whom
from shared.events.case import Rating
from shared.vocabulary import CaseState, TargetKind, WhistleKind

ACTION_EXAMPLES: Final[JsonDict] = {
    "examples": [
        {"action": "sign", "note": "已安排两人前往"},
        {
            "action": "whistle",
            "kind": "joint_enforcement",
            "departments": ["police", "market"],
            "reason": "占道堵塞消防通道，请联合到场",
        },
        {
            "action": "transfer",
            "order_id": "7b1f6f0e-1f8f-5d0c-8f55-0f3a1e9b6c22",
            "to": {"kind": "desk", "id": "990101001"},
            "reason": "该路段由镇里管养",
        },
    ]
}


class ToBody(Body):
    """A department by its id, or a desk by its area."""

    kind: TargetKind
    id: Id


class ActionBody(Body):
    """One action on a case; `order_id` may be left out when the key holds one order of it.

    Transfer and release are about somebody else's order: without `order_id` the lead's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=ACTION_EXAMPLES)

    action: Action
    order_id: UUID | None = None
    note: Annotated[str, Field(max_length=2000)] = ""
    reason: Annotated[
        str,
        Field(
            max_length=2000,
            description="Needed by return, reject, reopen, whistle, decline, release, transfer and rule.",
        ),
    ] = ""
    rating: Annotated[Rating | None, Field(description="Needed by rate.")] = None
    kind: Annotated[WhistleKind | None, Field(description="Needed by a new whistle; an emergency sounds at once.")] = (
        None
    )
    departments: Annotated[tuple[Id, ...], Field(max_length=16, description="Whom a whistle calls: 1 to 16.")] = ()
    lead: Annotated[
        Id | None, Field(description="The one of the departments that is to lead the case from now on.")
    ] = None
    whistle_id: Annotated[
        UUID | None, Field(description="Needed by confirm and decline; with whistle it adds to one that sounded.")
    ] = None
    to: Annotated[ToBody | None, Field(description="Needed by transfer and rule.")] = None

    def as_request(self) -> ActionRequest:
        """The request as the domain knows it."""
        return ActionRequest(
            action=self.action,
            order_id=self.order_id,
            note=self.note,
            reason=self.reason,
            rating=self.rating,
            kind=self.kind,
            departments=self.departments,
            lead=self.lead,
            whistle_id=self.whistle_id,
            to=None if self.to is None else Whom(kind=self.to.kind, id=self.to.id),
        )


class ActedBody(Body):
    """The action is durable; `allowed` lists what this key may do next."""

    case_id: UUID
    version: int
    state: CaseState
    event_id: UUID
    order_id: UUID | None
    whistle_id: UUID | None = None
    allowed: list[Action]
