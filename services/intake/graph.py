"""Draw the states of a case and of its orders from the one table: ``python -m services.intake.graph``.

With ``--check`` it writes nothing and fails when ``docs/states.md`` is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Final

from services.intake.domain.actions import OF_OTHERS
from services.intake.domain.permissions import MAY
from services.intake.domain.states import CASE_MOVES, FOLLOWS, ORDER_MOVES, STAGES, STANDING, Action, open_to
from services.intake.generated import DOCS, keep
from shared.vocabulary import CaseState, OrderState, Role

PATH: Final = DOCS / "states.md"

_WORDS: Final = {
    CaseState.OPENED: "已立案",
    CaseState.ROUTED: "已派遣",
    CaseState.SIGNED: "已签收",
    CaseState.ARRIVED: "已到场",
    CaseState.IN_PROGRESS: "处理中",
    CaseState.RETURNED: "已退单",
    CaseState.RESOLVED: "已办结",
    CaseState.VERIFIED: "已核查",
    CaseState.CLOSED: "已结案",
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
}


_HEAD: Final = """\
# The states of a case

Made by `python -m services.intake.graph` from the one table in
`services/intake/domain/states.py`; do not edit. The state machine itself is `decide` and `evolve` beside it.
"""
_FOLLOWS: Final = """\
A case follows its **lead** order; an order to assist or to oversee goes through the same states on its
own and moves no case. `whistle`, `confirm`, `decline`, `rule`, `release` and `transfer` move no case
themselves and are not drawn: the orders that the router answers with do. `order` = an order comes from the
router, `take over` = the level above takes the lead, `withdrawn` = the router
withdrew the lead and the next order is still to come.
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
        *_case_table(),
        "\n## One order\n",
        *_order_table(),
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
    yield f"    {CaseState.OPENED} --> {CaseState.ROUTED}: order 派遣"
    yield f"    {CaseState.RETURNED} --> {CaseState.ROUTED}: order 再派遣"
    for action, moves in ORDER_MOVES.items():
        for order_state, after in moves.items():
            if action not in OF_OTHERS:
                yield f"    {FOLLOWS[order_state]} --> {FOLLOWS[after]}: {action} {_ACTIONS[action]}"
    for standing in (FOLLOWS[state] for state in OrderState if state in STANDING):
        yield f"    {standing} --> {CaseState.ROUTED}: take over 上级接管"
        yield f"    {standing} --> {CaseState.OPENED}: withdrawn 撤回"
    for action, case_moves in CASE_MOVES.items():
        for state, then in case_moves.items():
            if state is then and action is not Action.RATE:
                continue
            yield f"    {state} --> {then}: {action} {_ACTIONS[action]}"
    yield f"    {CaseState.CLOSED} --> [*]"
    yield "```"


def _case_table() -> Iterator[str]:
    yield "| state | stage (GB/T 30428) | its lead order | open actions |"
    yield "|---|---|---|---|"
    for state, words in _WORDS.items():
        lead = lead_in(state)
        # A lead is never released.
        opens = ", ".join(f"`{action}`" for action in open_to(state, lead) if action is not Action.RELEASE)
        yield f"| `{state}` {words} | {STAGES[state]} | {f'`{lead}`' if lead else '–'} | {opens or '–'} |"


def lead_in(state: CaseState) -> OrderState | None:
    """The state of the lead order in a case of ``state``; None where no order leads."""
    if state in {CaseState.OPENED, CaseState.RETURNED}:
        return None
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


def main(arguments: Sequence[str]) -> int:
    """Write the page, or with ``--check`` compare it; the exit status."""
    return keep(PATH, document(), check="--check" in arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
