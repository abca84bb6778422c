"""The life of one case as events: what intake and the router would publish, step by step."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from shared.events import case as facts
from shared.events.envelope import Event, derive_id
from shared.events.order import Explanation, Order, OrderIssued, OrderWithdrawn
from shared.events.parts import Actor, CaseView, Held, PlaybookRef, Reply, Return, Standing, Target, WhistleRef
from shared.vocabulary import (
    NORMAL,
    ActorKind,
    CaseState,
    ClockKind,
    Level,
    OrderReason,
    OrderRole,
    OrderState,
    Purpose,
    RefusalCode,
    Severity,
    Source,
    TargetKind,
    county_of,
    level_of,
)

BOOK = PlaybookRef(version="1", digest="1".zfill(64))
SPACE = UUID("6a6f0000-0000-5000-8000-000000000000")
SYSTEM = Actor(kind=ActorKind.SYSTEM, id="test")


class Story:
    """Tells one case; ``at`` moves by a minute a step unless set, and ``events`` keeps everything told."""

    def __init__(self, name: str, *, area: str, at: datetime, category: str = "99") -> None:
        self.case_id = uuid5(SPACE, name)
        self.at = at
        self.version = 0
        self.events: list[Event[Any]] = []
        self._area, self.category, self._opened_at = area, category, at
        self.state = CaseState.OPENED
        self.held: Held | None = None
        self.reopened = 0
        self.purpose = Purpose.REAL
        self.mode = NORMAL
        self.returns = tuple[Return, ...]()
        self.source = Source.RESIDENT

    @property
    def view(self) -> CaseView:
        return CaseView(
            case_id=self.case_id,
            version=max(self.version, 1),
            state=self.state,
            held=self.held,
            county=county_of(self._area),
            area=self._area,
            level=level_of(self._area),
            category=self.category,
            severity=Severity.IV,
            source=self.source,
            title="路灯不亮",
            opened_at=self._opened_at,
            playbook=BOOK,
            reopened=self.reopened,
            purpose=self.purpose,
            mode=self.mode,
            returns=self.returns,
        )

    def opened(self) -> Event[Any]:
        texts = {"text": "路灯不亮", "area_why": "", "category_why": ""}
        return self._fact(facts.CaseOpened, report_id=derive_id(self.case_id, "report"), **texts)

    def received(self) -> None:
        """A report that a person has yet to file."""
        texts = {"text": "路灯不亮", "area_why": "", "category_why": ""}
        self.state = CaseState.RECEIVED
        self._fact(facts.CaseOpened, report_id=derive_id(self.case_id, "report"), **texts)

    def filed(self, category: str | None = None) -> None:
        before, self.category, self.state = self.category, category or self.category, CaseState.OPENED
        self._fact(facts.CaseFiled, category_before=before, text="路灯不亮")

    def refused(self) -> None:
        self.state = CaseState.REFUSED
        self._fact(facts.CaseRefused, code=RefusalCode.NO_MATTER, reason="nothing asked", words="没有诉求")

    def merged(self) -> None:
        self.state = CaseState.MERGED
        self._fact(facts.CaseMerged, into=derive_id(self.case_id, "master"), reason="the same matter")

    def paused(self, order: Order | None = None) -> None:
        self._held(CaseState.PAUSED, facts.CasePaused, code="parts", order_id=None if order is None else order.order_id)

    def hung(self) -> None:
        self._held(CaseState.HUNG, facts.CaseHung, until=self.at + timedelta(days=30))

    def resumed(self) -> None:
        self.state, self.held = CaseState.OPENED, None
        self._fact(facts.CaseResumed)

    def extended(self, order: Order, to: datetime, clock: ClockKind = ClockKind.HANDLE) -> None:
        asked = derive_id(self.case_id, f"extension:{self.version}")
        self._fact(facts.CaseExtended, extension_id=asked, order_id=order.order_id, to=to, clock=clock)

    def recategorised(self, category: str, *stood: Order) -> None:
        before, self.category = self.category, category
        orders = tuple(standing(order) for order in stood)
        self._fact(facts.CaseRecategorised, category_before=before, reason="named anew", standing=orders)

    def supervised(self, target: Target, due_at: datetime) -> UUID:
        which = derive_id(self.case_id, f"supervision:{self.version}")
        told = {"target": target, "instruction": "at once", "reply_due_at": due_at}
        self._fact(facts.CaseSupervised, supervision_id=which, **told)
        return which

    def replied(self, supervision: UUID) -> None:
        self._fact(facts.CaseSupervisionReplied, supervision_id=supervision, reply="done")

    def signed_off(self, supervision: UUID) -> None:
        self._fact(facts.CaseSupervisionSigned, supervision_id=supervision)

    def sent_back(self, supervision: UUID, due_at: datetime) -> None:
        told = {"reason": "not enough", "reply_due_at": due_at}
        self._fact(facts.CaseSupervisionSentBack, supervision_id=supervision, **told)

    def _held(self, state: CaseState, kind: Callable[..., Any], *, code: str = "hung", **more: Any) -> None:
        self.state = state
        self.held = Held(code=code, since=self.at + timedelta(minutes=1), hung=state is CaseState.HUNG)
        self._fact(kind, reason="waits", **({"code": code} if state is CaseState.PAUSED else {}), **more)

    def issued(
        self,
        target: str,
        *,
        role: OrderRole = OrderRole.LEAD,
        level: Level | None = None,
        reason: OrderReason = OrderReason.RULE,
        whistle: WhistleRef | None = None,
        clock_profile: str | None = None,
    ) -> Order:
        kind = TargetKind.DESK if level is None else TargetKind.DEPARTMENT
        order = Order(
            order_id=derive_id(self.case_id, f"{self.version}:{len(self.events)}", target),
            case_id=self.case_id,
            role=role,
            reason=reason,
            target=Target(kind=kind, id=target, name=target),
            level=level or level_of(target),
            issued_at=self._tick(),
            generation=self.reopened,
            whistle=whistle,
            clock_profile=clock_profile,
        )
        why = Explanation(playbook=BOOK, words="", words_en="")
        self._tell(
            OrderIssued(order=order, case=self.view, explanation=why, cause_id=self.case_id), f"order:{order.order_id}"
        )
        return order

    def routed(self, order: Order) -> None:
        """Intake has the order: it stands."""
        more = {"target": order.target, "level": order.level, "issued_at": order.issued_at}
        self._fact(facts.CaseRouted, order_id=order.order_id, order_role=order.role, **more)

    def joined(self, source: Source = Source.RESIDENT) -> UUID:
        report_id = derive_id(self.case_id, f"report:{self.version}")
        self._fact(facts.CaseReportJoined, report_id=report_id, source=source, text="", why="the same lamp")
        return report_id

    def split(self, report_id: UUID) -> None:
        other = derive_id(self.case_id, f"case:{report_id}")
        self._fact(facts.CaseReportSplit, report_id=report_id, to_case=other, reason="another matter")

    def withdrawn(self, order: Order) -> None:
        self._tick()
        data = OrderWithdrawn(order=order, case=self.view, reason="", cause_id=self.case_id)
        self._tell(data, f"withdrawn:{order.order_id}")

    def set_aside(self, order: Order) -> None:
        """Intake says that the order came too late to stand."""
        self._fact(facts.CaseOrderWithdrawn, order_id=order.order_id, target=order.target, reason="too late")

    def signed(self, order: Order) -> None:
        self._of_order(facts.CaseSigned, order)

    def arrived(self, order: Order) -> None:
        self._of_order(facts.CaseArrived, order)

    def progressed(self, order: Order) -> None:
        self._of_order(facts.CaseProgressed, order)

    def resolved(self, order: Order, *, answered: bool = False) -> None:
        reply = (
            Reply(accepted_at=self._opened_at, spoken_with="李某", done="换灯", done_by=self.at) if answered else None
        )
        self._of_order(facts.CaseResolved, order, note="done", reply=reply)

    def returned(self, order: Order) -> None:
        back = Return(
            order_id=order.order_id, target=order.target, reason="not ours", at=self.at + timedelta(minutes=1)
        )
        self.returns = (*self.returns, back)
        self._of_order(facts.CaseReturned, order, reason="not ours")

    def rejected(self, order: Order) -> None:
        self._fact(facts.CaseRejected, order_id=order.order_id, target=order.target, reason="again")

    def released(self, order: Order) -> None:
        self._fact(facts.CaseReleased, order=standing(order), reason="no longer needed")

    def ruled(self, to: Target, order: Order | None) -> None:
        self._fact(facts.CaseRuled, to=to, order=None if order is None else standing(order), reason="theirs")

    def mode_changed(self, mode: str) -> None:
        before, self.mode = self.mode, mode
        self._fact(facts.CaseModeChanged, before=before, reason="flood")

    def verified(self) -> None:
        self._fact(facts.CaseVerified)

    def closed(self) -> None:
        self._fact(facts.CaseClosed)

    def reopen(self) -> None:
        self.reopened += 1
        self._fact(facts.CaseReopened, reason="not finished")

    def _of_order(self, kind: Callable[..., Any], order: Order, **more: Any) -> None:
        self._fact(kind, order_id=order.order_id, order_role=order.role, target=order.target, **more)

    def _fact(self, kind: Callable[..., Any], **more: Any) -> Event[Any]:
        self.version += 1
        self._tick()
        return self._tell(kind(case=self.view, by=SYSTEM, **more), f"case:{self.version}")

    def _tell(self, data: Any, name: str) -> Event[Any]:
        event = Event(
            id=derive_id(self.case_id, name),
            source="whistle/test",
            subject=str(self.case_id),
            time=self.at,
            sequence=self.version,
            data=data,
            traceparent=f"00-{self.case_id.hex}-{self.case_id.hex[:16]}-00",
        )
        self.events.append(event)
        return event

    def _tick(self) -> datetime:
        self.at += timedelta(minutes=1)
        return self.at


def standing(order: Order) -> Standing:
    """An order as intake knows it."""
    return Standing(
        order_id=order.order_id,
        role=order.role,
        reason=order.reason,
        target=order.target,
        level=order.level,
        state=OrderState.ISSUED,
        issued_at=order.issued_at,
        step=order.step,
        whistle=order.whistle,
    )
