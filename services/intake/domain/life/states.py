"""The one table of states and actions: what each action does to an order, to its case, and from where.

`decide` moves by it, every answer lists from it what is allowed, and `docs/states.md` is drawn from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    FILE = "file"
    REFUSE = "refuse"
    RECATEGORISE = "recategorise"
    MERGE = "merge"
    SPLIT = "split"
    NOTE = "note"
    HAND_OVER = "hand_over"
    PAUSE = "pause"
    RESUME = "resume"
    HANG = "hang"
    EXTEND = "extend"
    APPROVE = "approve"
    DECLINE_EXTENSION = "decline_extension"
    SUPERVISE = "supervise"
    REPLY = "reply"
    SIGN_OFF = "sign_off"
    SEND_BACK = "send_back"
    APPEAL = "appeal"
    REVIEW = "review"
    RATE_DEPARTMENT = "rate_department"


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

HELD: Final = frozenset({CaseState.PAUSED, CaseState.HUNG})
"""A case in one of these stands still; in which state it goes on follows from its lead's order."""

_LED: Final = frozenset({CaseState.ROUTED, CaseState.SIGNED, CaseState.ARRIVED, CaseState.IN_PROGRESS})
_DONE: Final = frozenset({CaseState.RESOLVED, CaseState.VERIFIED})
_UNSIGNED: Final = frozenset({CaseState.RECEIVED, CaseState.OPENED, CaseState.ROUTED, CaseState.RETURNED})


def _stays(states: Iterable[CaseState]) -> Mapping[CaseState, CaseState]:
    return MappingProxyType({state: state for state in CaseState if state in frozenset(states)})


def _becomes(after: CaseState, states: Iterable[CaseState]) -> Mapping[CaseState, CaseState]:
    return MappingProxyType({state: after for state in CaseState if state in frozenset(states)})


_STAYS: Final = _stays(AT_WORK)
_STANDS: Final = MappingProxyType({state: state for state in OrderState if state in STANDING})
_OVER: Final = (OrderState.RESOLVED, OrderState.RETURNED, OrderState.WITHDRAWN)

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
        Action.TRANSFER: _STANDS,
        Action.EXTEND: _STANDS,
        Action.APPEAL: {state: state for state in _OVER},
        Action.RATE_DEPARTMENT: {state: state for state in _OVER},
    }
)
"""Actions on one order: the state before → the state after. An action not listed is refused.

Only a lead is ever returning: whoever signed and was not the lead is returned at once (`after_move`).
A transferred order stays as it is until the router has issued another.
"""

_OF_OTHERS_TOO: Final = AT_WORK | _DONE | {CaseState.PAUSED}
ORDER_IN: Final[Mapping[Action, frozenset[CaseState]]] = MappingProxyType(
    {
        **dict.fromkeys(ORDER_MOVES, _OF_OTHERS_TOO),
        Action.TRANSFER: AT_WORK,
        Action.EXTEND: AT_WORK,
        Action.APPEAL: frozenset({CaseState.CLOSED}),
        Action.RATE_DEPARTMENT: _DONE | {CaseState.CLOSED},
    }
)
"""In which states of its case an action on an order is open.

Whoever assists or oversees goes on while the lead pauses and after the lead is done; while the case is paused the
lead's own order stands still, and while it is hung every order does (`order_move`).
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
        Action.FILE: {CaseState.RECEIVED: CaseState.OPENED},
        Action.REFUSE: _becomes(CaseState.REFUSED, _UNSIGNED),
        Action.RECATEGORISE: _stays(AT_WORK | HELD),
        Action.MERGE: _becomes(CaseState.MERGED, AT_WORK | HELD | {CaseState.RECEIVED}),
        Action.SPLIT: _stays(AT_WORK | HELD | _DONE),
        Action.NOTE: _stays(CaseState),
        Action.HAND_OVER: _stays(AT_WORK | HELD | _DONE | {CaseState.RECEIVED}),
        Action.PAUSE: _becomes(CaseState.PAUSED, _LED),
        Action.RESUME: _becomes(CaseState.OPENED, HELD),
        Action.HANG: _becomes(CaseState.HUNG, _LED | {CaseState.PAUSED}),
        Action.APPROVE: _STAYS,
        Action.DECLINE_EXTENSION: _stays(AT_WORK | HELD),
        Action.SUPERVISE: _stays(AT_WORK | HELD | _DONE),
        Action.REPLY: _stays(AT_WORK | HELD | _DONE | {CaseState.CLOSED}),
        Action.SIGN_OFF: _stays(AT_WORK | HELD | _DONE | {CaseState.CLOSED}),
        Action.SEND_BACK: _stays(AT_WORK | HELD | _DONE | {CaseState.CLOSED}),
        Action.REVIEW: {CaseState.CLOSED: CaseState.CLOSED},
    }
)
"""Actions on the whole case: the state before → the state after.

A case that is resumed is in the state that follows from its lead's order (`FOLLOWS`): opened when nobody leads it.
"""

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
        CaseState.RECEIVED: "信息收集",
        CaseState.OPENED: "案卷建立",
        CaseState.REFUSED: "案卷建立",
        CaseState.MERGED: "案卷建立",
        CaseState.ROUTED: "任务派遣",
        CaseState.RETURNED: "任务派遣",
        CaseState.SIGNED: "任务处理",
        CaseState.ARRIVED: "任务处理",
        CaseState.IN_PROGRESS: "任务处理",
        CaseState.PAUSED: "任务处理",
        CaseState.HUNG: "任务处理",
        CaseState.RESOLVED: "处理反馈",
        CaseState.VERIFIED: "核查结案",
        CaseState.CLOSED: "核查结案",
    }
)
"""The stage of GB/T 30428 that each state belongs to; 综合评价 is its rating."""


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


def order_move(action: Action, *, case: CaseState, order: OrderState, role: OrderRole) -> OrderState | None:
    """The state of an order after ``action`` in a case of that state; None when the table does not open it."""
    if case not in ORDER_IN[action] or (case is CaseState.PAUSED and _stands_still(order, role)):
        return None
    return after_move(action, order, role)


def _stands_still(order: OrderState, role: OrderRole) -> bool:
    """Whether an order pauses with its case: the lead's does, whoever assists goes on."""
    return role is OrderRole.LEAD and order in STANDING


def open_to(state: CaseState, order: OrderState | None, role: OrderRole = OrderRole.LEAD) -> tuple[Action, ...]:
    """The actions that the table opens for a case in ``state`` and its ``order`` of that role."""
    return tuple(
        action
        for action in Action
        if (order is not None and action in ORDER_IN and order_move(action, case=state, order=order, role=role))
        or state in CASE_MOVES.get(action, {})
    )
