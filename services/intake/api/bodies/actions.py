"""What a caller who acts on a case sends and gets."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.config import JsonDict

from services.intake.api.bodies.parts import Body, Id
from services.intake.domain.asking.requests import ActionRequest, ReplyRequest
from services.intake.domain.asking.targets import Whom
from services.intake.domain.life.states import Action
from shared.events.case import Grade, Rating
from shared.vocabulary import (
    AppealGround,
    CaseState,
    CategoryCode,
    EmergencyService,
    Severity,
    TargetKind,
    WhistleKind,
)

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
        {
            "action": "resolve",
            "note": "已更换阀门",
            "reply": {
                "accepted_at": "2026-11-21T08:20:00+08:00",
                "spoken_with": "张女士",
                "done": "更换阀门并复检,无泄漏",
                "done_by": "2026-11-21T10:40:00+08:00",
            },
        },
        {"action": "extend", "until": "2026-11-28T18:00:00+08:00", "reason": "配件三日后到货"},
        {"action": "refuse", "code": "not_ours", "reason": "外县路段", "words": "该路段属邻县,请拨打邻县 12345"},
    ]
}


class ReplyBody(Body):
    """The four elements of a reply (答复四要素); each is needed, and a missing one is named."""

    accepted_at: AwareDatetime | None = None
    spoken_with: Annotated[
        str, Field(max_length=120, description="Whom one has spoken with; a name given here stays in the event.")
    ] = ""
    done: Annotated[str, Field(max_length=2000)] = ""
    done_by: AwareDatetime | None = None

    def as_request(self) -> ReplyRequest:
        """The reply as the domain knows it."""
        return ReplyRequest(
            accepted_at=self.accepted_at, spoken_with=self.spoken_with, done=self.done, done_by=self.done_by
        )


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
            description="Why: it stands in the event and in the audit. Needed wherever somebody says no, asks for "
            "something or changes what stands; may be left out by sign, arrive, progress, resolve, verify, close, "
            "rate, confirm, file, approve, resume, sign_off, note, hand_over and rate_department.",
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
    to: Annotated[ToBody | None, Field(description="Needed by transfer and rule; supervise: if not the lead.")] = None
    code: Annotated[Id | None, Field(description="Refuse: why, by its code. Pause: a reason of the playbook.")] = None
    words: Annotated[str, Field(max_length=2000, description="Needed by refuse: what the reporter is told.")] = ""
    category: Annotated[CategoryCode | None, Field(description="File, recategorise: what it is about.")] = None
    condition: Annotated[str | None, Field(max_length=64, description="File, recategorise: one of the category's.")] = (
        None
    )
    severity: Annotated[Severity | None, Field(description="File, recategorise: 1 (I, red) to 4 (IV, blue).")] = None
    into: Annotated[UUID | None, Field(description="Needed by merge: the case it is one matter with.")] = None
    report_id: Annotated[UUID | None, Field(description="Needed by split: the report of another matter.")] = None
    service: Annotated[EmergencyService | None, Field(description="Needed by hand_over.")] = None
    receipt: Annotated[str, Field(max_length=64, description="hand_over: their number, once they confirmed.")] = ""
    until: Annotated[
        AwareDatetime | None,
        Field(description="Needed by hang, extend, supervise and send_back (when the reply is due); may end a pause."),
    ] = None
    extension_id: Annotated[UUID | None, Field(description="Approve, decline_extension: which is meant.")] = None
    supervision_id: Annotated[UUID | None, Field(description="Reply, sign_off, send_back: needed among several.")] = (
        None
    )
    appeal_id: Annotated[UUID | None, Field(description="Review: which is meant.")] = None
    ground: Annotated[AppealGround | None, Field(description="Needed by appeal.")] = None
    upheld: Annotated[bool | None, Field(description="Needed by review.")] = None
    speed: Annotated[Grade | None, Field(description="Needed by rate_department: 1 to 5.")] = None
    quality: Annotated[Grade | None, Field(description="Needed by rate_department: 1 to 5.")] = None
    reply: Annotated[
        ReplyBody | None, Field(description="Resolve: needed where the playbook wants it of the case's source.")
    ] = None

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
            code=self.code,
            words=self.words,
            category=self.category,
            condition=self.condition,
            severity=self.severity,
            into=self.into,
            report_id=self.report_id,
            service=self.service,
            receipt=self.receipt,
            until=self.until,
            extension_id=self.extension_id,
            supervision_id=self.supervision_id,
            appeal_id=self.appeal_id,
            ground=self.ground,
            upheld=self.upheld,
            speed=self.speed,
            quality=self.quality,
            reply=None if self.reply is None else self.reply.as_request(),
        )


class ActedBody(Body):
    """The action is durable; `allowed` lists what this key may do next."""

    case_id: UUID
    version: int
    state: CaseState
    event_id: UUID
    order_id: UUID | None
    whistle_id: UUID | None = None
    extension_id: UUID | None = None
    supervision_id: UUID | None = None
    appeal_id: UUID | None = None
    other_case_id: Annotated[
        UUID | None, Field(description="The case that this one went on in, or that was split off it.")
    ] = None
    allowed: list[Action]
