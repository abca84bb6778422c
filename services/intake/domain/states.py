"""The one table of states and actions: what each action does to an order, to its case, and from where.

`decide` moves by it, every answer lists from it what is allowed, and `docs/states.md` is drawn from it.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final

from shared.vocabulary import CaseState, OrderRole, OrderState, Refused


@unique
class Action(StrEnum):
    """What a person may ask of a case or of one of its orders."""

    SIGN = "sign"
    ARRIVE = "arrive"
    PROGRESS = "progress"
    RESOLVE = "resolve"
    RETURN = "return"
    VERIFY = "verify"
    REJECT = "reject"
    CLOSE = "close"
    REOPEN = "reopen"
    RATE = "rate"
    WHISTLE = "whistle"
    CONFIRM = "confirm"
    DECLINE = "decline"
    RELEASE = "release"
    TRANSFER = "transfer"
    RULE = "rule"


STANDING: Final = frozenset({OrderState.ISSUED, OrderState.SIGNED, OrderState.ARRIVED, OrderState.IN_PROGRESS})
"""An order in one of these still waits for its target."""

AT_WORK: Final = frozenset(
    {
        CaseState.OPENED,
        CaseState.ROUTED,
        CaseState.SIGNED,
        CaseState.ARRIVED,
        CaseState.IN_PROGRESS,
        CaseState.RETURNED,
    }
)
"""A case in one of these is not done yet: others can still be called to it."""

_STAYS: Final = MappingProxyType({state: state for state in CaseState if state in AT_WORK})

ORDER_MOVES: Final[Mapping[Action, Mapping[OrderState, OrderState]]] = MappingProxyType(
    {
        Action.SIGN: {OrderState.ISSUED: OrderState.SIGNED},
        Action.ARRIVE: {OrderState.SIGNED: OrderState.ARRIVED},
        Action.PROGRESS: {
            OrderState.SIGNED: OrderState.IN_PROGRESS,
            OrderState.ARRIVED: OrderState.IN_PROGRESS,
            OrderState.IN_PROGRESS: OrderState.IN_PROGRESS,
            OrderState.RETURNING: OrderState.RETURNING,
        },
        Action.RESOLVE: {
            OrderState.SIGNED: OrderState.RESOLVED,
            OrderState.ARRIVED: OrderState.RESOLVED,
            OrderState.IN_PROGRESS: OrderState.RESOLVED,
        },
        Action.RETURN: {
            OrderState.ISSUED: OrderState.RETURNED,
            OrderState.SIGNED: OrderState.RETURNING,
            OrderState.ARRIVED: OrderState.RETURNING,
            OrderState.IN_PROGRESS: OrderState.RETURNING,
        },
        Action.RELEASE: {state: OrderState.WITHDRAWN for state in OrderState if state in STANDING},
        Action.TRANSFER: {state: state for state in OrderState if state in STANDING},
    }
)
"""Actions on one order: the state before → the state after. An action not listed is refused.

Only a lead is ever returning: whoever signed and was not the lead is returned at once (`after_move`).
A transferred order stays as it is until the router has issued another.
"""

CASE_MOVES: Final[Mapping[Action, Mapping[CaseState, CaseState]]] = MappingProxyType(
    {
        Action.VERIFY: {CaseState.RESOLVED: CaseState.VERIFIED},
        Action.REJECT: {CaseState.RESOLVED: CaseState.IN_PROGRESS},
        Action.CLOSE: {CaseState.VERIFIED: CaseState.CLOSED},
        Action.REOPEN: {CaseState.CLOSED: CaseState.OPENED},
        Action.RATE: {CaseState.CLOSED: CaseState.CLOSED},
        Action.WHISTLE: _STAYS,
        Action.CONFIRM: _STAYS,
        Action.DECLINE: _STAYS,
        Action.RULE: _STAYS,
    }
)
"""Actions on the whole case: the state before → the state after."""

FOLLOWS: Final[Mapping[OrderState, CaseState]] = MappingProxyType(
    {
        OrderState.ISSUED: CaseState.ROUTED,
        OrderState.SIGNED: CaseState.SIGNED,
        OrderState.ARRIVED: CaseState.ARRIVED,
        OrderState.IN_PROGRESS: CaseState.IN_PROGRESS,
        OrderState.RESOLVED: CaseState.RESOLVED,
        OrderState.RETURNING: CaseState.RETURNED,
        OrderState.RETURNED: CaseState.RETURNED,
        OrderState.WITHDRAWN: CaseState.OPENED,
    }
)
"""The state of a case whose lead order has just come into a state; assistants never move the case."""

STAGES: Final[Mapping[CaseState, str]] = MappingProxyType(
    {
        CaseState.OPENED: "案卷建立",
        CaseState.ROUTED: "任务派遣",
        CaseState.RETURNED: "任务派遣",
        CaseState.SIGNED: "任务处理",
        CaseState.ARRIVED: "任务处理",
        CaseState.IN_PROGRESS: "任务处理",
        CaseState.RESOLVED: "处理反馈",
        CaseState.VERIFIED: "核查结案",
        CaseState.CLOSED: "核查结案",
    }
)
"""The stage of GB/T 30428 that each state belongs to; 信息收集 comes before a case, 综合评价 is its rating."""


class WrongState(Refused):
    """The action is known but not open in this state; whoever answers the request adds what is ``allowed``."""

    def __init__(self, reason: str, *, state: CaseState, order_state: OrderState | None = None) -> None:
        """Keep the state of the case, and of the order when the action was on one."""
        super().__init__(reason, field="action")
        self.state = state
        self.order_state = order_state


def after_move(action: Action, state: OrderState, role: OrderRole) -> OrderState | None:
    """The state of an order after ``action``; None when the table does not open it.

    First-contact responsibility (首接负责): a lead that was signed is given back only when another has signed.
    """
    after = ORDER_MOVES[action].get(state)
    return OrderState.RETURNED if after is OrderState.RETURNING and _goes_at_once(state, role) else after


def _goes_at_once(state: OrderState, role: OrderRole) -> bool:
    return role is not OrderRole.LEAD and state is not OrderState.RETURNING


def open_to(state: CaseState, order_state: OrderState | None) -> tuple[Action, ...]:
    """The actions that the table opens for a case in ``state`` and its order in ``order_state``."""
    return tuple(
        action
        for action in Action
        if (order_state is not None and order_state in ORDER_MOVES.get(action, {}))
        or state in CASE_MOVES.get(action, {})
    )
