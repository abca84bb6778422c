"""Who may do what: one table of role, action and the relation that the key must have to the case."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from types import MappingProxyType
from typing import Final, assert_never

from services.intake.domain.case import Case, CaseOrder
from services.intake.domain.states import Action
from shared.events.parts import Actor
from shared.vocabulary import COUNTY_DIGITS, ActorKind, Refused, Role, TargetKind, county_of, covers


@unique
class Relation(Enum):
    """What ties a key to a case."""

    HOLDS = "holds the order"
    COVERS = "covers the case's area"
    HEADS = "heads the desk that whistled and is not who asked"
    ANOTHER = "covers the case's area and is not who asked"
    CALLED = "whistled for the order or leads the case"
    ABOVE = "stands above the case's level or holds the order to rule"


def _desks(relation: Relation, **others: Relation) -> Mapping[Role, Relation]:
    """A desk and its head by ``relation``, an operator by the area, and ``others`` as they say."""
    roles = {Role(role): tie for role, tie in others.items()}
    return MappingProxyType({**roles, Role.DESK: relation, Role.LEADER: relation, Role.OPERATOR: Relation.COVERS})


_ON_ORDERS: Final = _desks(Relation.HOLDS, department=Relation.HOLDS)
_ON_RESULTS: Final = _desks(Relation.COVERS)
_OF_REPORTERS: Final = _desks(Relation.COVERS, source=Relation.COVERS)
_ON_WHISTLES: Final = MappingProxyType({Role.LEADER: Relation.HEADS, Role.OPERATOR: Relation.ANOTHER})

MAY: Final[Mapping[Action, Mapping[Role, Relation]]] = MappingProxyType(
    {
        Action.SIGN: _ON_ORDERS,
        Action.ARRIVE: _ON_ORDERS,
        Action.PROGRESS: _ON_ORDERS,
        Action.RESOLVE: _ON_ORDERS,
        Action.RETURN: _ON_ORDERS,
        Action.VERIFY: _ON_RESULTS,
        Action.REJECT: _ON_RESULTS,
        Action.CLOSE: _ON_RESULTS,
        Action.REOPEN: _OF_REPORTERS,
        Action.RATE: _OF_REPORTERS,
        Action.WHISTLE: _desks(Relation.COVERS),
        Action.CONFIRM: _ON_WHISTLES,
        Action.DECLINE: _ON_WHISTLES,
        Action.RELEASE: _desks(Relation.CALLED),
        Action.TRANSFER: _desks(Relation.COVERS),
        Action.RULE: _desks(Relation.ABOVE),
    }
)
"""A role that an action does not name may never do it; an auditor only reads."""

MAY_REPORT: Final = frozenset({Role.SOURCE, Role.DESK, Role.LEADER, Role.OPERATOR})
"""Roles that may send a report about the areas their key covers."""

OF_A_DESK: Final = frozenset({Role.DESK, Role.LEADER})
"""A desk and its head act for the same desk."""


class NotYours(Refused):
    """The key is good but may not do this; ``allowed`` says who may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who bears the key: ``area`` is its scope, for a desk its own area; ``department`` its department's id."""

    key_id: str
    role: Role
    area: str
    department: str | None = None
    name: str = ""

    @property
    def actor(self) -> Actor:
        """The bearer as events name it."""
        match self.role:
            case Role.DESK | Role.LEADER:
                return Actor(kind=ActorKind.DESK, id=self.area, name=self.name, key_id=self.key_id)
            case Role.DEPARTMENT:
                department = self.department or self.key_id
                return Actor(kind=ActorKind.DEPARTMENT, id=department, name=self.name, key_id=self.key_id)
            case Role.SOURCE:
                return Actor(kind=ActorKind.SOURCE, id=self.key_id, name=self.name, key_id=self.key_id)
            case Role.OPERATOR | Role.AUDITOR:
                return Actor(kind=ActorKind.OPERATOR, id=self.area, name=self.name, key_id=self.key_id)
            case _:
                assert_never(self.role)


def must_report(bearer: Bearer, area: str) -> None:
    """Pass when the bearer may send a report about ``area``.

    Raises:
        NotYours: otherwise.
    """
    if bearer.role not in MAY_REPORT:
        raise NotYours(
            f"a key of role {bearer.role} sends no reports",
            field="Authorization",
            allowed=[f"a key of role {role}" for role in sorted(MAY_REPORT)],
        )
    if not covers(bearer.area, area):
        raise NotYours(
            f"this key reports for area {bearer.area}, not for {area}",
            field="area",
            allowed=[f"{bearer.area} and what lies below it"],
        )


def must_act(bearer: Bearer, action: Action, case: Case, order: CaseOrder | None) -> None:
    """Pass when the bearer may do ``action`` on the case, or on ``order`` when it is one on an order.

    Raises:
        NotYours: otherwise. A key that has nothing to do with the case's area learns the rule only,
            one in its area learns who holds the order.
    """
    if may_act(bearer, action, case, order):
        return
    raise NotYours(
        f"this key may not {action} here", field="Authorization", allowed=_who_may(bearer, action, case, order)
    )


def may_act(bearer: Bearer, action: Action, case: Case, order: CaseOrder | None) -> bool:
    """Whether the bearer may do ``action`` on the case, or on ``order``, by role and relation."""
    relation = MAY[action].get(bearer.role)
    return relation is not None and _related(bearer, relation, case, order)


def held_by(bearer: Bearer, case: Case) -> tuple[CaseOrder, ...]:
    """The orders of the case that the bearer's desk or department holds; for an operator the lead's."""
    if bearer.role is Role.OPERATOR:
        return () if case.lead is None else (case.lead,)
    return tuple(order for order in case.orders if _holds(bearer, case, order))


def _related(bearer: Bearer, relation: Relation, case: Case, order: CaseOrder | None) -> bool:
    match relation:
        case Relation.HOLDS:
            return order is not None and _holds(bearer, case, order)
        case Relation.COVERS:
            return covers(bearer.area, case.view.area)
        case Relation.HEADS:
            return _is_another(bearer, case) and (case.asked is None or case.asked.desk == bearer.area)
        case Relation.ANOTHER:
            return _is_another(bearer, case)
        case Relation.CALLED:
            return order is not None and (case.whistled_by(order) == bearer.area or _leads(bearer, case))
        case Relation.ABOVE:
            return covers(bearer.area, case.view.area) and (_outranks(bearer, case) or _rules(bearer, case))
        case _:
            assert_never(relation)


def _is_another(bearer: Bearer, case: Case) -> bool:
    asked = case.asked
    return covers(bearer.area, case.view.area) and (asked is None or asked.by.key_id != bearer.key_id)


def _leads(bearer: Bearer, case: Case) -> bool:
    """Whether the desk leads the case, or is the desk of the department's level that does."""
    lead = case.lead
    if lead is None:
        return False
    if lead.target.kind is TargetKind.DESK:
        return lead.target.id == bearer.area
    return covers(bearer.area, case.view.area) and len(bearer.area) == lead.level.digits


def _outranks(bearer: Bearer, case: Case) -> bool:
    return len(bearer.area) < case.view.level.digits or len(bearer.area) == COUNTY_DIGITS


def _rules(bearer: Bearer, case: Case) -> bool:
    return any(order.stands and order.is_to_rule and _holds(bearer, case, order) for order in case.orders)


def _holds(bearer: Bearer, case: Case, order: CaseOrder) -> bool:
    match order.target.kind:
        case TargetKind.DESK:
            return bearer.role in OF_A_DESK and bearer.area == order.target.id
        case TargetKind.DEPARTMENT:
            return (
                bearer.role is Role.DEPARTMENT
                and bearer.department == order.target.id
                and county_of(bearer.area) == case.view.county
            )
        case _:
            assert_never(order.target.kind)


def _who_may(bearer: Bearer, action: Action, case: Case, order: CaseOrder | None) -> tuple[str, ...]:
    nearby = covers(bearer.area, case.view.area) or covers(case.view.area, bearer.area)
    if not nearby or order is None:
        return tuple(f"a key of role {role} that {relation.value}" for role, relation in MAY[action].items())
    holder = f"{order.target.kind} {order.target.id} {order.target.name}".strip()
    return (holder, f"an operator of {case.view.county}")
