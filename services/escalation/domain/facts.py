"""What is known of one case: each fact once, under its own name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum, unique
from uuid import UUID

from msgspec import Struct, field
from msgspec.structs import replace

from shared.events.order import Order, OrderIssued
from shared.events.parts import CaseView, Target
from shared.vocabulary import NORMAL, ClockKind, Level, OrderRole, Purpose, Severity, Source


@unique
class Fact(StrEnum):
    """What happened to a case, as far as a clock cares."""

    RECEIVED = "received"
    OPENED = "opened"
    FILED = "filed"
    REFUSED = "refused"
    MERGED = "merged"
    ROUTED = "routed"
    SIGNED = "signed"
    ARRIVED = "arrived"
    RESOLVED = "resolved"
    RETURNED = "returned"
    RULED = "ruled"
    VERIFIED = "verified"
    REJECTED = "rejected"
    CLOSED = "closed"
    REOPENED = "reopened"
    WITHDRAWN = "withdrawn"
    PAUSED = "paused"
    HUNG = "hung"
    RESUMED = "resumed"
    EXTENDED = "extended"
    RECATEGORISED = "recategorised"
    SUPERVISED = "supervised"
    REPLIED = "replied"
    SIGNED_OFF = "signed_off"
    SENT_BACK = "sent_back"
    REPAIRED = "repaired"
    """No fact of the case: a repair called off a clock that nothing demands."""
    JOINED = "joined"
    SPLIT = "split"


class Step(Struct, frozen=True, kw_only=True):
    """One fact of a case, or of its order ``order_id`` in ``order_role``."""

    fact: Fact
    at: datetime
    order_id: UUID | None = None
    order_role: OrderRole | None = None


class Traits(Struct, frozen=True, kw_only=True):
    """What a limit depends on; stored facts call it the case's matter, as they always have.

    ``source`` and ``opened_at`` stay what they were at the case's start; None in facts kept before they were asked for.
    """

    area: str
    category: str
    condition: str | None
    severity: Severity
    mode: str = NORMAL
    purpose: Purpose = Purpose.REAL
    source: Source | None = None
    opened_at: datetime | None = None

    @classmethod
    def of(cls, view: CaseView) -> Traits:
        """The traits of the case as ``view`` shows it."""
        return cls(
            area=view.area,
            category=view.category,
            condition=view.condition,
            severity=view.severity,
            mode=view.mode,
            purpose=view.purpose,
            source=view.source,
            opened_at=view.opened_at,
        )

    def begun_as(self, view: CaseView) -> Traits:
        """The traits, with what never changes of its case where it was kept without that."""
        return self if self.opened_at is not None else replace(self, source=view.source, opened_at=view.opened_at)


class Begun(Struct, frozen=True, kw_only=True):
    """The case's traits when one of its own clocks began, and the ``level`` of the lead that it was dispatched to."""

    traits: Traits = field(name="matter")
    level: Level | None = None


class Longer(Struct, frozen=True, kw_only=True):
    """An extension granted: the order's ``clock`` is due at ``to``."""

    clock: ClockKind
    to: datetime


class Renamed(Struct, frozen=True, kw_only=True):
    """What the case is about from then on, and the orders that stood."""

    traits: Traits = field(name="matter")
    orders: tuple[UUID, ...]


class Supervision(Struct, frozen=True, kw_only=True):
    """A step of one supervision; ``target`` and ``due_at`` where it says whose reply is due and when."""

    supervision_id: UUID
    target: Target | None = None
    due_at: datetime | None = None


class Recall(Struct, frozen=True, kw_only=True):
    """The router's word that an order stands no more, told with the case's ``version``."""

    at: datetime
    version: int


class GivenBack(Struct, frozen=True, kw_only=True):
    """An earlier order of the same target, and when the target returned it."""

    order_id: UUID
    at: datetime


class Issued(Struct, frozen=True, kw_only=True):
    """An order, the version of the case that it ``answers``, and the case's traits at that version.

    ``given_back`` are the orders that its target had returned by then.
    """

    order: Order
    answers: int
    traits: Traits = field(name="matter")
    given_back: tuple[GivenBack, ...] = ()

    @classmethod
    def of(cls, data: OrderIssued, *, answers: int) -> Issued:
        """The order of ``data``, told with the version ``answers``."""
        target = (data.order.target.kind, data.order.target.id)
        returns = [one for one in data.case.returns if (one.target.kind, one.target.id) == target]
        return cls(
            order=data.order,
            answers=answers,
            traits=Traits.of(data.case),
            given_back=tuple(GivenBack(order_id=one.order_id, at=one.at) for one in returns),
        )


class Facts(Struct, frozen=True, kw_only=True):
    """All that is known of one case; ``steps`` by the case's version, orders by their id.

    ``view`` is the newest seen, of a case event rather than of an order event of the same version. ``longer``,
    ``renamed`` and ``supervised`` hold, by version too, what such a step says beside that it happened; ``begun`` those
    at which a clock of the case itself may begin. ``reporters`` are the reports of the first `MOST_REPORTERS` who wait
    for an answer, ``left`` those of them that turned out to be of another matter, ``answered`` the versions at which
    a result came with the answer that the reporter was given (答复四要素). Facts kept before these were asked for have
    none of them.

    What the router says of a version counts once the case itself has ``told`` as much: an order that comes before the
    pause it answers must not start, or stop, a clock that knows nothing of the pause.
    """

    view: CaseView
    told_by_case: bool
    steps: Mapping[int, Step] = field(default_factory=dict)
    issued: Mapping[UUID, Issued] = field(default_factory=dict)
    withdrawn: Mapping[UUID, datetime] = field(default_factory=dict)
    longer: Mapping[int, Longer] = field(default_factory=dict)
    renamed: Mapping[int, Renamed] = field(default_factory=dict)
    supervised: Mapping[int, Supervision] = field(default_factory=dict)
    begun: Mapping[int, Begun] = field(default_factory=dict)
    reporters: Mapping[int, UUID] = field(default_factory=dict)
    left: Mapping[int, UUID] = field(default_factory=dict)
    answered: tuple[int, ...] = ()
    recalled: Mapping[UUID, Recall] = field(default_factory=dict)
    told: int | None = None

    def knows(self, version: int) -> bool:
        """Say whether the case's own events up to ``version`` are folded."""
        return self.told is None or self.told >= version

    def withdrawn_at(self, order_id: UUID) -> datetime | None:
        """When the order ceased to stand, by whoever said so first; None while it stands."""
        recall = self.recalled.get(order_id)
        router = [] if recall is None or not self.knows(recall.version) else [recall.at]
        intake = [self.withdrawn[order_id]] if order_id in self.withdrawn else []
        return min([*router, *intake], default=None)
