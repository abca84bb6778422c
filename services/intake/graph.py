"""Draw the states of a case and of its orders from the one table: ``python -m services.intake.graph``.

The same table as data is ``docs/states.json``, and lies beside the console too. With ``--check`` nothing is
written, and a stale file fails.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from typing import Final

from services.intake.domain.asking.actions import OF_OTHERS
from services.intake.domain.life.may import MAY
from services.intake.domain.life.states import (
    CASE_MOVES,
    FOLLOWS,
    HELD,
    ORDER_IN,
    ORDER_MOVES,
    STAGES,
    STANDING,
    Action,
    open_to,
    order_move,
)
from services.intake.generated import DOCS, keep
from shared.vocabulary import CASE_ENDED, CaseState, OrderRole, OrderState, Role

PATH: Final = DOCS / "states.md"
DATA: Final = DOCS / "states.json"
SHOWN: Final = DOCS.parent / "services" / "notifier" / "page" / "states.json"
"""The same table where the console reads it: what is open, and to whom."""

_WORDS: Final = {
    CaseState.RECEIVED: "待立案",
    CaseState.OPENED: "已立案",
    CaseState.ROUTED: "已派遣",
    CaseState.SIGNED: "已签收",
    CaseState.ARRIVED: "已到场",
    CaseState.IN_PROGRESS: "处理中",
    CaseState.RETURNED: "已退单",
    CaseState.PAUSED: "已暂停",
    CaseState.HUNG: "已挂账",
    CaseState.RESOLVED: "已办结",
    CaseState.VERIFIED: "已核查",
    CaseState.CLOSED: "已结案",
    CaseState.REFUSED: "不予受理",
    CaseState.MERGED: "已并案",
}
_ACTIONS: Final = {
    Action.SIGN: "签收",
    Action.ARRIVE: "到场",
    Action.PROGRESS: "反馈进展",
    Action.RESOLVE: "办结",
    Action.RETURN: "退单",
    Action.VERIFY: "核查通过",
    Action.REJECT: "返工",
    Action.CLOSE: "结案",
    Action.REOPEN: "重新打开",
    Action.RATE: "评价",
    Action.WHISTLE: "吹哨",
    Action.CONFIRM: "确认吹哨",
    Action.DECLINE: "不予吹哨",
    Action.RELEASE: "解除",
    Action.TRANSFER: "转办",
    Action.RULE: "裁定",
    Action.FILE: "立案",
    Action.REFUSE: "不予受理",
    Action.RECATEGORISE: "改类",
    Action.MERGE: "并案",
    Action.SPLIT: "拆分",
    Action.NOTE: "记事",
    Action.HAND_OVER: "移交应急",
    Action.PAUSE: "暂停",
    Action.RESUME: "恢复",
    Action.HANG: "挂账",
    Action.EXTEND: "申请延期",
    Action.APPROVE: "批准延期",
    Action.DECLINE_EXTENSION: "不予延期",
    Action.SUPERVISE: "督办",
    Action.REPLY: "督办回复",
    Action.SIGN_OFF: "销号",
    Action.SEND_BACK: "退回督办回复",
    Action.APPEAL: "申诉",
    Action.REVIEW: "复核",
    Action.RATE_DEPARTMENT: "评价部门",
}


_HEAD: Final = """\
# The states of a case

Made by `python -m services.intake.graph` from the one table in
`services/intake/domain/life/states.py`; do not edit. The state machine itself is `decide` and `evolve` beside it.
What each deed does to the clocks of a case stands in [clocks.md](clocks.md).
"""
_FOLLOWS: Final = """\
A case follows its **lead** order; an order to assist or to oversee goes through the same states on its
own and moves no case. Actions that move no case themselves are not drawn. `order` = an order comes from the
router, `take over` = the level above takes the lead, `withdrawn` = the router withdrew the lead and the next
order is still to come. `unsure` = the guess of the category was too unsure for the county: a person files the case
or refuses it. A case that is resumed goes on in the state of its lead's order.
"""
_RULES: Final = """\
What the table does not open is refused with 409, the state, and the actions that are open. More rules:

- the county desk cannot return an order, nor can an overseer, nor whoever the level above ruled it to;
- a lead who signed and gives the case back is `returning`: it still reports progress and answers for the
  case until another lead has signed (首接负责); everybody else is `returned` at once;
- the lead resolves only when every whistled and step order is done or released, no step of the matter
  waits, and no whistle waits for its head's word; the refusal names who still works;
- an emergency whistle sounds at once; any other waits for the head (`leader`) of the desk that asked, or for
  an operator, and never for who asked; one waits at a time;
- only an order to assist is released, at once; a transferred order stands until the router has issued
  another, and never goes to somebody who returned the case, unless it was ruled theirs; an order to rule is
  ruled upon and not transferred, and what was ruled moves by a new ruling alone;
- a case is rated once each time it is closed; it can be reopened for the playbook's window (72 hours),
  which nothing moves;
- while a case is **paused** its lead's order stands still and whoever assists or oversees goes on; while it is
  **hung** every order stands still; a lead that changes meanwhile does not wake it; whoever may resumes it, and at
  its date it goes on by itself. A case that was handed to 110, 119 or 120 does not stand still at all;
- a pause needs a reason of the playbook, which says for how many days at most; a case is hung by a leader, once
  a round, so far ahead as the playbook allows;
- more time is asked for by who holds the order, before its deadline, approved by a desk over the case that neither
  asked nor holds the order, then by another person who stands above the first (a leader at its level, or a desk above);
  so often as the playbook allows; a refusal does not count, one request waits at a time;
- an instruction (督办) is answered by whom it was given to and signed off or sent back by who gave it; at most 8 are
  open; it outlives the closing of the case;
- an appeal is made by who held an order of the closed case, within the playbook's days, once for each order and
  closing; the first review is by a desk over the case that did not hold the order, the second stands above the first;
  upheld twice, the case is exempt from scores while its facts stay; not upheld once, the appeal is over;
- only departments are rated by the base level, once for each order; the reporter's rating is of the case;
- refusing and merging, like closing, first release whoever was still asked;
- where the playbook wants it of the case's source, the lead resolves with the four elements of a reply;
- a canary closes itself when its lead order comes.
"""


def document() -> str:
    """The whole page: the graph of a case, the tables, who may do what."""
    parts = (
        _HEAD,
        *_graph(),
        "",
        _FOLLOWS,
        "## State × action\n",
        "`note` is open in every state and not repeated here. `approve`, `decline_extension`, `confirm`, `decline`,",
        "`reply`, `sign_off`, `send_back` and `review` are open while something waits for them.\n",
        *_case_table(),
        "\n## One order\n",
        *_order_table(),
        "\nIn which states of its case an action on an order is open:\n",
        *_order_in(),
        "",
        _RULES,
        "## Who may\n",
        *_permissions(),
        "",
    )
    return "\n".join(parts)


def _graph() -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state, words in _WORDS.items():
        yield f"    {state}: {state}<br/>{words}"
    yield f"    [*] --> {CaseState.OPENED}: report 上报"
    yield f"    [*] --> {CaseState.RECEIVED}: unsure 待人工"
    yield f"    {CaseState.OPENED} --> {CaseState.ROUTED}: order 派遣"
    yield f"    {CaseState.RETURNED} --> {CaseState.ROUTED}: order 再派遣"
    yield from _by_orders()
    yield from _by_actions()
    for state in (state for state in CaseState if state in CASE_ENDED):
        yield f"    {state} --> [*]"
    yield "```"


def _by_orders() -> Iterator[str]:
    """What becomes of a case because of its lead's order."""
    for action, moves in ORDER_MOVES.items():
        for order_state, after in moves.items():
            if action not in OF_OTHERS and (order_state is not after or action is Action.PROGRESS):
                yield f"    {FOLLOWS[order_state]} --> {FOLLOWS[after]}: {action} {_ACTIONS[action]}"
    for standing in (FOLLOWS[state] for state in OrderState if state in STANDING):
        yield f"    {standing} --> {CaseState.ROUTED}: take over 上级接管"
        yield f"    {standing} --> {CaseState.OPENED}: withdrawn 撤回"


def _by_actions() -> Iterator[str]:
    """What becomes of a case because of an action on the whole of it."""
    for action, moves in CASE_MOVES.items():
        for state, then in moves.items():
            if action is not Action.RESUME and (state is not then or action is Action.RATE):
                yield f"    {state} --> {then}: {action} {_ACTIONS[action]}"
    for held in (state for state in CaseState if state in HELD):
        for state in CASE_MOVES[Action.PAUSE]:
            yield f"    {held} --> {state}: {Action.RESUME} {_ACTIONS[Action.RESUME]}"


_NOT_TOLD: Final = frozenset(
    {
        Action.NOTE,
        Action.RELEASE,
        Action.CONFIRM,
        Action.DECLINE,
        Action.APPROVE,
        Action.DECLINE_EXTENSION,
        Action.REPLY,
        Action.SIGN_OFF,
        Action.SEND_BACK,
        Action.REVIEW,
    }
)
"""A lead is never released; the others are open whenever something waits for them."""


def _case_table() -> Iterator[str]:
    yield "| state | stage (GB/T 30428) | its lead order | open actions |"
    yield "|---|---|---|---|"
    for state, words in _WORDS.items():
        lead = lead_in(state)
        opens = ", ".join(f"`{action}`" for action in open_to(state, lead) if action not in _NOT_TOLD)
        yield f"| `{state}` {words} | {STAGES[state]} | {f'`{lead}`' if lead else '–'} | {opens or '–'} |"


def lead_in(state: CaseState) -> OrderState | None:
    """The state of the lead order in a case of ``state``; None where no order leads."""
    if state in {CaseState.RECEIVED, CaseState.OPENED, CaseState.RETURNED, CaseState.REFUSED, CaseState.MERGED}:
        return None
    if state in HELD:
        return OrderState.SIGNED
    follows = {case: order for order, case in FOLLOWS.items()}
    return follows.get(state, OrderState.RESOLVED)


def _order_table() -> Iterator[str]:
    yield "| order | " + " | ".join(f"`{action}` {_ACTIONS[action]}" for action in ORDER_MOVES) + " |"
    yield "|---" * (len(ORDER_MOVES) + 1) + "|"
    for state in OrderState:
        cells = (f"→ `{moves[state]}`" if state in moves else "–" for moves in ORDER_MOVES.values())
        yield f"| `{state}` | " + " | ".join(cells) + " |"


def _permissions() -> Iterator[str]:
    yield "| action | " + " | ".join(f"`{role}`" for role in Role) + " |"
    yield "|---" * (len(Role) + 1) + "|"
    for action, roles in MAY.items():
        cells = (roles[role].value if role in roles else "–" for role in Role)
        yield f"| `{action}` | " + " | ".join(cells) + " |"


def _order_in() -> Iterator[str]:
    yield "| action | states of the case |"
    yield "|---|---|"
    for states in dict.fromkeys(ORDER_IN.values()):
        actions = ", ".join(f"`{action}`" for action in ORDER_IN if ORDER_IN[action] == states)
        yield f"| {actions} | {', '.join(f'`{state}`' for state in CaseState if state in states)} |"


def table() -> str:
    """The same as data, for whoever shows buttons: each state with what is open in it, each action with who may."""
    states = {
        state: {
            "zh": words,
            "stage": STAGES[state],
            "ended": state in CASE_ENDED,
            "case": [action for action in Action if state in CASE_MOVES.get(action, {})],
            "order": {
                order: [
                    action
                    for action in ORDER_MOVES
                    if order_move(action, case=state, order=order, role=OrderRole.LEAD) is not None
                ]
                for order in OrderState
            },
        }
        for state, words in _WORDS.items()
    }
    actions = {
        action: {"zh": _ACTIONS[action], "of": "order" if action in ORDER_MOVES else "case", "roles": _roles(action)}
        for action in Action
    }
    return json.dumps({"states": states, "actions": actions}, ensure_ascii=False, indent=2) + "\n"


def _roles(action: Action) -> dict[Role, str]:
    return {role: relation.value for role, relation in MAY[action].items()}


def main(arguments: Sequence[str]) -> int:
    """Write the page and the table, or with ``--check`` compare them; the exit status."""
    check = "--check" in arguments
    return max(keep(path, text, check=check) for path, text in ((PATH, document()), (DATA, table()), (SHOWN, table())))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
