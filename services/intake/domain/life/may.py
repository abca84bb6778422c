"""The one table of role, action and the relation that the key must have to the case."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from services.intake.domain.life.states import Action
from shared.vocabulary import Role


@unique
class Relation(Enum):
    """What ties a key to a case."""

    HOLDS = "holds the order"
    COVERS = "covers the case's area"
    HEADS = "heads the desk that whistled and is not who asked"
    ANOTHER = "covers the case's area and is not who asked"
    CALLED = "whistled for the order or leads the case"
    ABOVE = "stands above the case's level or holds the order to rule"
    ON_SITE = "works in the cells or the village of the desk that holds the order"
    NEARBY = "works where the case is"
    OWNS = "made a report of the case"
    WORKS = "holds an order of the case"
    LEADS = "holds the lead's order, unless the case is hung"
    UNHUNG = "covers the case's area, unless the case is hung"
    APPROVES = (
        "covers the case's area, neither asked nor holds the order, and for the second word stands above the first"
    )
    OVERSEES = "stands above the case's level, or heads the desk at it"
    SUPERVISED = "is who is supervised"
    SUPERVISES = "gave the instruction, or stands above whom a clock's chain gave it to"
    REVIEWS = (
        "covers the case's area, neither appealed nor held the order, and for the second review stands above the first"
    )
    RATES = "whistled for the order, or is the village's or the town's desk over the case"


def _desks(relation: Relation, **others: Relation) -> Mapping[Role, Relation]:
    """A desk and its head by ``relation``, an operator by the area, and ``others`` as they say."""
    roles = {Role(role): tie for role, tie in others.items()}
    return MappingProxyType({**roles, Role.DESK: relation, Role.LEADER: relation, Role.OPERATOR: Relation.COVERS})


def _each_desk(relation: Relation) -> Mapping[Role, Relation]:
    """Where two different persons must say a word, an operator is one like any other."""
    return MappingProxyType({Role.DESK: relation, Role.LEADER: relation, Role.OPERATOR: relation})


_ON_ORDERS: Final = _desks(Relation.HOLDS, department=Relation.HOLDS)
_ON_RESULTS: Final = _desks(Relation.COVERS)
_ON_THE_WAY: Final = _desks(Relation.HOLDS, department=Relation.HOLDS, grid_worker=Relation.ON_SITE)
_OF_REPORTERS: Final = _desks(Relation.COVERS, source=Relation.COVERS, reporter=Relation.OWNS)
_OF_LEADERS: Final = MappingProxyType({Role.LEADER: Relation.COVERS, Role.OPERATOR: Relation.COVERS})
_ON_SUPERVISION: Final = _desks(Relation.SUPERVISES)
_ON_WHISTLES: Final = MappingProxyType({Role.LEADER: Relation.HEADS, Role.OPERATOR: Relation.ANOTHER})

MAY: Final[Mapping[Action, Mapping[Role, Relation]]] = MappingProxyType(
    {
        Action.SIGN: _ON_ORDERS,
        Action.ARRIVE: _ON_THE_WAY,
        Action.PROGRESS: _ON_THE_WAY,
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
        Action.FILE: _ON_RESULTS,
        Action.REFUSE: _ON_RESULTS,
        Action.RECATEGORISE: _ON_RESULTS,
        Action.MERGE: _ON_RESULTS,
        Action.SPLIT: _ON_RESULTS,
        Action.NOTE: _desks(
            Relation.COVERS,
            source=Relation.COVERS,
            reporter=Relation.OWNS,
            grid_worker=Relation.NEARBY,
            department=Relation.WORKS,
        ),
        Action.HAND_OVER: _desks(Relation.COVERS, source=Relation.COVERS),
        Action.PAUSE: _desks(Relation.COVERS, department=Relation.LEADS),
        Action.RESUME: MappingProxyType(
            {
                Role.DEPARTMENT: Relation.LEADS,
                Role.DESK: Relation.UNHUNG,
                Role.LEADER: Relation.COVERS,
                Role.OPERATOR: Relation.COVERS,
            }
        ),
        Action.HANG: _OF_LEADERS,
        Action.EXTEND: _ON_ORDERS,
        Action.APPROVE: _each_desk(Relation.APPROVES),
        Action.DECLINE_EXTENSION: _each_desk(Relation.APPROVES),
        Action.SUPERVISE: _desks(Relation.OVERSEES),
        Action.REPLY: _desks(Relation.SUPERVISED, department=Relation.SUPERVISED),
        Action.SIGN_OFF: _ON_SUPERVISION,
        Action.SEND_BACK: _ON_SUPERVISION,
        Action.APPEAL: _ON_ORDERS,
        Action.REVIEW: _each_desk(Relation.REVIEWS),
        Action.RATE_DEPARTMENT: _desks(Relation.RATES),
    }
)
"""A role that an action does not name may never do it; an auditor only reads."""

MAY_REPORT: Final = frozenset({Role.SOURCE, Role.REPORTER, Role.GRID_WORKER, Role.DESK, Role.LEADER, Role.OPERATOR})
"""Roles that may send a report about the areas their key covers."""

OF_A_DESK: Final = frozenset({Role.DESK, Role.LEADER})
"""A desk and its head act for the same desk."""
