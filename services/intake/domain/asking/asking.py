"""What a request for an action beside the orders' own course becomes: each field it needs, checked with the county."""

from __future__ import annotations

from datetime import datetime, timedelta
from difflib import get_close_matches
from uuid import UUID

from services.intake.domain.asking.requests import ActionRequest, Circumstances
from services.intake.domain.asking.targets import NEAR_ONES, target_of
from services.intake.domain.life.commands import LifeCommand
from services.intake.domain.life.filing_commands import (
    FileCase,
    HandOverCase,
    Naming,
    NoteCase,
    RecategoriseCase,
    RefuseCase,
)
from services.intake.domain.life.review_commands import (
    AppealOrder,
    RateDepartment,
    ReplySupervision,
    ReviewAppeal,
    SendBackSupervision,
    SignOffSupervision,
    SuperviseCase,
)
from services.intake.domain.life.states import Action
from services.intake.domain.life.time_commands import (
    ApproveExtension,
    AskExtension,
    DeclineExtension,
    HangCase,
    PauseCase,
    ResumeCase,
)
from shared.events.parts import Actor, CaseView
from shared.playbook.model import PauseReason, Playbook, Policy
from shared.vocabulary import AppealGround, EmergencyService, RefusalCode, Refused

GRADES = range(1, 6)


def life_on_order(
    request: ActionRequest, order_id: UUID, given: Circumstances
) -> AskExtension | AppealOrder | RateDepartment | None:
    """The command of a request about one order; None when its action is none of these.

    Raises:
        Refused: a field is missing; names it and what is allowed.
    """
    by, policy = given.by, given.playbook.policy
    match request.action:
        case Action.EXTEND:
            to, most = _until(request), policy.extensions_allowed
            return AskExtension(order_id=order_id, by=by, due_at=given.due_at, to=to, reason=request.why, most=most)
        case Action.APPEAL:
            if request.ground is None:
                raise Refused("an appeal needs its ground", field="ground", allowed=list(AppealGround))
            window = timedelta(days=policy.appeal_days)
            return AppealOrder(order_id=order_id, by=by, ground=request.ground, reason=request.why, window=window)
        case Action.RATE_DEPARTMENT:
            speed, quality = _grade(request.speed, "speed"), _grade(request.quality, "quality")
            return RateDepartment(order_id=order_id, by=by, speed=speed, quality=quality, note=request.note)
        case _:
            return None


def life_of_case(request: ActionRequest, view: CaseView, given: Circumstances) -> LifeCommand | None:
    """The command of a request about the whole case; None when its action is none of these.

    Raises:
        Refused: a field is missing, or names what the county does not have; says what is allowed.
    """
    by, playbook = given.by, given.playbook
    match request.action:
        case Action.FILE | Action.REFUSE | Action.RECATEGORISE | Action.NOTE | Action.HAND_OVER:
            return _of_filing(request, view.category, by=by, playbook=playbook)
        case Action.PAUSE | Action.HANG | Action.RESUME:
            return _of_time(request, by=by, policy=playbook.policy, now=given.now)
        case Action.APPROVE:
            return ApproveExtension(by=by, extension_id=request.extension_id, note=request.note)
        case Action.DECLINE_EXTENSION:
            return DeclineExtension(by=by, extension_id=request.extension_id, reason=request.why)
        case Action.SUPERVISE | Action.REPLY | Action.SIGN_OFF | Action.SEND_BACK:
            return _of_supervision(request, area=view.area, by=by, playbook=playbook)
        case Action.REVIEW:
            if request.upheld is None:
                raise Refused("a review says whether", field="upheld", allowed=["true", "false"])
            return ReviewAppeal(by=by, upheld=request.upheld, reason=request.why, appeal_id=request.appeal_id)
        case _:
            return None


def _of_filing(request: ActionRequest, category: str, *, by: Actor, playbook: Playbook) -> LifeCommand:
    match request.action:
        case Action.FILE:
            return FileCase(by=by, naming=_naming(request, category, playbook), note=request.note)
        case Action.REFUSE:
            return RefuseCase(by=by, code=_refusal(request), reason=request.why, words=request.words)
        case Action.RECATEGORISE:
            return RecategoriseCase(by=by, naming=_naming(request, category, playbook), reason=request.why)
        case Action.NOTE:
            return NoteCase(by=by, note=request.note)
        case _:
            if request.service is None:
                raise Refused("say to whom", field="service", allowed=list(EmergencyService))
            receipt = request.receipt or None
            return HandOverCase(by=by, service=request.service, receipt=receipt, note=request.note)


def _of_time(request: ActionRequest, *, by: Actor, policy: Policy, now: datetime) -> LifeCommand:
    match request.action:
        case Action.PAUSE:
            reason = _pause_reason(request, policy)
            until = _end_of_pause(request.until, reason, now)
            return PauseCase(by=by, code=reason.id, reason=request.why, until=until)
        case Action.HANG:
            return HangCase(by=by, until=_until(request), reason=request.why, days=policy.hang_days)
        case _:
            return ResumeCase(by=by, reason=request.why)


def _of_supervision(request: ActionRequest, *, area: str, by: Actor, playbook: Playbook) -> LifeCommand:
    match request.action:
        case Action.SUPERVISE:
            return SuperviseCase(
                by=by,
                instruction=request.why,
                reply_due_at=_until(request),
                target=None if request.to is None else target_of(request.to, area=area, playbook=playbook),
                order_id=request.order_id,
            )
        case Action.REPLY:
            return ReplySupervision(by=by, reply=request.why, supervision_id=request.supervision_id)
        case Action.SIGN_OFF:
            return SignOffSupervision(by=by, note=request.note, supervision_id=request.supervision_id)
        case _:
            return SendBackSupervision(
                by=by,
                reason=request.why,
                reply_due_at=_until(request),
                supervision_id=request.supervision_id,
            )


def _naming(request: ActionRequest, category: str, playbook: Playbook) -> Naming:
    if request.category is not None and request.category not in playbook.categories:
        raise Refused(
            f"category {request.category} is not in the playbook of {playbook.name.zh} ({playbook.county})",
            field="category",
            allowed=get_close_matches(request.category, playbook.categories, n=NEAR_ONES, cutoff=0.3)
            or sorted(playbook.categories)[:NEAR_ONES],
        )
    _must_know_condition(request.condition, request.category or category, playbook)
    return Naming(category=request.category, condition=request.condition, severity=request.severity)


def _must_know_condition(condition: str | None, category: str, playbook: Playbook) -> None:
    known = playbook.categories.get(category)
    conditions = [] if known is None else [one.code for one in known.conditions]
    if condition is not None and condition not in conditions:
        raise Refused(f"category {category} has no condition {condition}", field="condition", allowed=conditions)


def _refusal(request: ActionRequest) -> RefusalCode:
    if request.code not in set(RefusalCode):
        raise Refused("a refusal needs the code of its reason", field="code", allowed=list(RefusalCode))
    return RefusalCode(request.code)


def _pause_reason(request: ActionRequest, policy: Policy) -> PauseReason:
    found = next((one for one in policy.pause_reasons if one.id == request.code), None)
    if found is None:
        raise Refused(
            "a pause needs a reason that the county allows",
            field="code",
            allowed=[one.id for one in policy.pause_reasons],
        )
    return found


def _end_of_pause(asked: datetime | None, reason: PauseReason, now: datetime) -> datetime | None:
    """The moment at which a paused case goes on by itself: as asked, and no later than the reason allows."""
    latest = None if reason.days is None else now + timedelta(days=reason.days)
    if asked is None:
        return latest
    if asked <= now or (latest is not None and asked > latest):
        most = "" if latest is None else f", to {latest.isoformat(timespec='seconds')}"
        raise Refused(
            f"a pause for {reason.id} cannot last to then",
            field="until",
            allowed=[f"after {now.isoformat(timespec='seconds')}{most}"],
        )
    return asked


def _until(request: ActionRequest) -> datetime:
    if request.until is None:
        raise Refused("say until when", field="until", allowed=["a moment with its offset"])
    return request.until


def _grade(grade: int | None, field: str) -> int:
    if grade is None or grade not in GRADES:
        raise Refused(f"{field} needs a grade", field=field, allowed=[str(one) for one in GRADES])
    return grade
