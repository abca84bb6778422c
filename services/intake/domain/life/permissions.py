"""Whether a key may do what it asks: by the table of roles, and by how it stands to the case."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, assert_never
from uuid import UUID

from services.intake.domain.life.case import Case, CaseOrder, Supervision
from services.intake.domain.life.may import MAY, MAY_REPORT, OF_A_DESK, Relation
from services.intake.domain.life.states import Action
from shared.events.parts import Actor, Target
from shared.vocabulary import (
    COUNTY_DIGITS,
    TOWN_DIGITS,
    VILLAGE_DIGITS,
    ActorKind,
    CaseState,
    Level,
    Refused,
    Role,
    TargetKind,
    county_of,
    covers,
)


class NotYours(Refused):
    """The key is good but may not do this; ``allowed`` says who may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Who bears the key: ``area`` is its scope, for a desk its own area; ``department`` its department's id.

    ``duties`` are the categories, with all below each, that the key is for; none: all. ``case_id`` is the case of
    a reporter's own report, as its tracking code has shown; a reporter's ``area`` may be empty: anywhere.
    """

    key_id: str
    role: Role
    area: str
    department: str | None = None
    name: str = ""
    duties: tuple[str, ...] = ()
    case_id: UUID | None = None

    @property
    def actor(self) -> Actor:
        """The bearer as events name it."""
        match self.role:
            case Role.DESK | Role.LEADER:
                return Actor(kind=ActorKind.DESK, id=self.area, name=self.name, key_id=self.key_id)
            case Role.DEPARTMENT:
                department = self.department or self.key_id
                return Actor(kind=ActorKind.DEPARTMENT, id=department, name=self.name, key_id=self.key_id)
            case Role.GRID_WORKER:
                village = self.area[:VILLAGE_DIGITS]
                return Actor(kind=ActorKind.DESK, id=village, name=self.name, key_id=self.key_id)
            case Role.SOURCE | Role.REPORTER:
                return Actor(kind=ActorKind.SOURCE, id=self.key_id, name=self.name, key_id=self.key_id)
            case Role.OPERATOR | Role.AUDITOR:
                return Actor(kind=ActorKind.OPERATOR, id=self.area, name=self.name, key_id=self.key_id)
            case _:
                assert_never(self.role)


def must_report(bearer: Bearer, area: str, *, category: str | None = None) -> None:
    """Pass when the bearer may send a report about ``area``, and may name ``category`` for it.

    What a report is about by its words is nobody's claim: without a category of its own every report is taken.

    Raises:
        NotYours: otherwise.
    """
    if bearer.role not in MAY_REPORT:
        raise NotYours(
            f"a key of role {bearer.role} sends no reports",
            field="Authorization",
            allowed=[f"a key of role {role}" for role in sorted(MAY_REPORT)],
        )
    scope = bearer.area[:VILLAGE_DIGITS] if bearer.role is Role.GRID_WORKER else bearer.area
    if not covers(scope, area):
        raise NotYours(
            f"this key reports for area {bearer.area}, not for {area}",
            field="area",
            allowed=[f"{bearer.area} and what lies below it"],
        )
    if category is not None and not has_duty(bearer, category):
        raise NotYours(
            f"this key names no category {category}",
            field="category",
            allowed=[*(f"{duty} and what lies below it" for duty in bearer.duties), "none: the words say it"],
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


def must_mean(bearer: Bearer, action: Action, case: Case, supervision_id: UUID | None) -> None:
    """Pass when the instruction that is named, if one is, is the bearer's to answer or to judge.

    Raises:
        NotYours: otherwise; ``allowed`` are those that are.
    """
    tie = _TIES_TO_ONE.get(MAY[action].get(bearer.role, Relation.COVERS))
    named = next((one for one in case.supervisions if one.supervision_id == supervision_id), None)
    if tie is None or named is None or tie(bearer, case, named):
        return
    own = [str(one.supervision_id) for one in case.supervisions if tie(bearer, case, one)]
    raise NotYours(f"this key may not {action} that instruction", field="supervision_id", allowed=own)


def may_act(bearer: Bearer, action: Action, case: Case, order: CaseOrder | None) -> bool:
    """Whether the bearer may do ``action`` on the case, or on ``order``, by role and relation."""
    relation = MAY[action].get(bearer.role)
    return relation is not None and has_duty(bearer, case.view.category) and _related(bearer, relation, case, order)


def has_duty(bearer: Bearer, category: str) -> bool:
    """Whether the key is for the category: it, or one above it, is among its duties."""
    return not bearer.duties or any(category == one or category.startswith(f"{one}.") for one in bearer.duties)


def held_by(bearer: Bearer, case: Case) -> tuple[CaseOrder, ...]:
    """The orders of the case that the bearer's desk or department holds; for an operator the lead's."""
    if bearer.role is Role.OPERATOR:
        return () if case.lead is None else (case.lead,)
    return tuple(order for order in case.orders if _holds(bearer, case, order) or _is_on_site(bearer, case, order))


def _related(bearer: Bearer, relation: Relation, case: Case, order: CaseOrder | None) -> bool:
    """Whether the relation holds; those on an order need one."""
    of_order = _ON_AN_ORDER.get(relation)
    if of_order is not None:
        return order is not None and of_order(bearer, case, order)
    return _ties(bearer, relation, case)


def _ties(bearer: Bearer, relation: Relation, case: Case) -> bool:
    match relation:
        case Relation.COVERS:
            return covers(bearer.area, case.view.area)
        case Relation.HEADS:
            return _is_another(bearer, case) and (case.asked is None or case.asked.desk == bearer.area)
        case Relation.ANOTHER:
            return _is_another(bearer, case)
        case Relation.ABOVE:
            return covers(bearer.area, case.view.area) and (_outranks(bearer, case) or _rules(bearer, case))
        case Relation.OWNS:
            return bearer.case_id == case.view.case_id
        case Relation.NEARBY:
            return _is_nearby(bearer, case)
        case _:
            return _ties_by_state(bearer, relation, case)


def _ties_by_state(bearer: Bearer, relation: Relation, case: Case) -> bool:
    """Ties that depend on what has happened to the case."""
    match relation:
        case Relation.WORKS:
            return any(_holds(bearer, case, order) for order in case.orders)
        case Relation.LEADS:
            lead = case.lead
            return lead is not None and not _is_hung(case) and _holds(bearer, case, lead)
        case Relation.UNHUNG:
            return covers(bearer.area, case.view.area) and not _is_hung(case)
        case Relation.APPROVES:
            return covers(bearer.area, case.view.area) and _may_approve(bearer, case)
        case Relation.OVERSEES:
            return covers(bearer.area, case.view.area) and _oversees(bearer, case)
        case Relation.SUPERVISED:
            return any(_is(bearer, case, one.target) for one in _in_hand(case, replied=False))
        case Relation.SUPERVISES:
            return any(_supervises(bearer, case, one) for one in _in_hand(case, replied=True))
        case Relation.REVIEWS:
            return covers(bearer.area, case.view.area) and _may_review(bearer, case)
        case _:
            raise ValueError(f"{relation} is a tie to an order")


def _in_hand(case: Case, *, replied: bool) -> Sequence[Supervision]:
    """The instructions that wait for a reply, or for a word on it; all where none does: then the state refuses."""
    return [one for one in case.supervisions if one.replied is replied] or case.supervisions


def _supervises(bearer: Bearer, case: Case, one: Supervision) -> bool:
    """Whoever gave an instruction judges the reply; what a clock's chain gave, every desk above whom it is for.

    The county's desk has none above: its head does.
    """
    if one.by.kind is not ActorKind.SYSTEM:
        return one.by.id == bearer.area
    if not covers(bearer.area, case.view.area):
        return False
    if one.target.kind is TargetKind.DEPARTMENT:
        return len(bearer.area) <= _level_of(case, one.target).digits
    heads_county = bearer.role is Role.LEADER and bearer.area == one.target.id == case.view.county
    return len(bearer.area) < len(one.target.id) or heads_county


_TIES_TO_ONE: Final[Mapping[Relation, Callable[[Bearer, Case, Supervision], bool]]] = MappingProxyType(
    {
        Relation.SUPERVISED: lambda bearer, case, one: _is(bearer, case, one.target),
        Relation.SUPERVISES: _supervises,
    }
)


def _level_of(case: Case, department: Target) -> Level:
    """The level of a department: that of its newest order, else the case's own."""
    levels = [order.level for order in case.orders if order.target.id == department.id]
    return levels[-1] if levels else case.view.level


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
    return _is(bearer, case, order.target)


def _is(bearer: Bearer, case: Case, target: Target) -> bool:
    match target.kind:
        case TargetKind.DESK:
            return bearer.role in OF_A_DESK and bearer.area == target.id
        case TargetKind.DEPARTMENT:
            return (
                bearer.role is Role.DEPARTMENT
                and bearer.department == target.id
                and county_of(bearer.area) == case.view.county
            )
        case _:
            assert_never(target.kind)


def _is_nearby(bearer: Bearer, case: Case) -> bool:
    """A grid worker's cell holds the case; or nobody knows more than the village, and it is theirs."""
    return covers(bearer.area, case.view.area) or case.view.area == bearer.area[:VILLAGE_DIGITS]


def _is_on_site(bearer: Bearer, case: Case, order: CaseOrder) -> bool:
    works_for = order.target.kind is TargetKind.DESK and order.target.id == bearer.area[:VILLAGE_DIGITS]
    return bearer.role is Role.GRID_WORKER and works_for and _is_nearby(bearer, case)


def _was_called(bearer: Bearer, case: Case, order: CaseOrder) -> bool:
    return case.whistled_by(order) == bearer.area or _leads(bearer, case)


def _may_rate(bearer: Bearer, case: Case, order: CaseOrder) -> bool:
    """The base level: who whistled for the order, else the desks of the village and the town."""
    base = len(bearer.area) in {VILLAGE_DIGITS, TOWN_DIGITS} and covers(bearer.area, case.view.area)
    return case.whistled_by(order) == bearer.area or base


_ON_AN_ORDER: Final[Mapping[Relation, Callable[[Bearer, Case, CaseOrder], bool]]] = MappingProxyType(
    {
        Relation.HOLDS: _holds,
        Relation.ON_SITE: _is_on_site,
        Relation.CALLED: _was_called,
        Relation.RATES: _may_rate,
    }
)


def _is_hung(case: Case) -> bool:
    return case.view.state is CaseState.HUNG


def _oversees(bearer: Bearer, case: Case) -> bool:
    own = bearer.role is Role.LEADER and len(bearer.area) <= case.view.level.digits
    return own or _outranks(bearer, case)


def _may_approve(bearer: Bearer, case: Case) -> bool:
    """The first word is another's than who asked and who holds the order; the second stands above the first."""
    asked = case.waiting_extension
    if asked is None:
        return True
    holds = _holds(bearer, case, case.order(asked.order_id))
    if holds or bearer.key_id in _keys(asked.by, asked.backed_by):
        return False
    return asked.backed_by is None or _stands_above(bearer, asked.backed_by)


def _may_review(bearer: Bearer, case: Case) -> bool:
    """The first review is another's than who appealed and who held the order; the second stands above the first."""
    appeal = case.open_appeal
    if appeal is None:
        return True
    holds = _holds(bearer, case, case.order(appeal.order_id))
    if holds or bearer.key_id in _keys(appeal.by, appeal.first):
        return False
    return appeal.first is None or _stands_above(bearer, appeal.first)


def _keys(*actors: Actor | None) -> frozenset[str | None]:
    return frozenset(actor.key_id for actor in actors if actor is not None)


def _stands_above(bearer: Bearer, first: Actor) -> bool:
    """A desk above the one that spoke first, or a leader at its level or above it."""
    nearer = len(first.id) - len(bearer.area)
    return nearer > 0 or (nearer == 0 and bearer.role is Role.LEADER)


def _who_may(bearer: Bearer, action: Action, case: Case, order: CaseOrder | None) -> tuple[str, ...]:
    nearby = covers(bearer.area, case.view.area) or covers(case.view.area, bearer.area)
    if not nearby or order is None:
        return tuple(f"a key of role {role} that {relation.value}" for role, relation in MAY[action].items())
    holder = f"{order.target.kind} {order.target.id} {order.target.name}".strip()
    return (holder, f"an operator of {case.view.county}")
