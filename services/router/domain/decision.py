"""What routing decides: orders to issue and to withdraw, each with its whole explanation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.router.domain.left import Left
from services.router.domain.rulebook import Match, Walk
from services.router.domain.targets import Choice
from shared.events.order import CaseSettings, Explanation, Order
from shared.events.parts import MatterView, PlaybookRef, Target, WhistleRef
from shared.playbook.model import Text
from shared.vocabulary import Level, OrderReason, OrderRole

LONGEST_NOTE: Final = 2000
LONGEST_TITLE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Demanded:
    """One order to issue; `sets` and `matter` go with a lead's alone."""

    role: OrderRole
    reason: OrderReason
    target: Target
    level: Level
    explanation: Explanation
    step: str | None = None
    whistle: WhistleRef | None = None
    clock_profile: str | None = None
    on_duty: tuple[str, ...] = ()
    sets: CaseSettings | None = None
    matter: MatterView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """One order to take back; its target need no longer act. `by` is the order that stands instead, if any."""

    order: Order
    reason: str
    reason_en: str = ""
    by: Demanded | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """Everything that one event leads to.

    `unsaid` is why nothing was asked of anybody when that should be known and no order can tell it. `left` is
    why the case's own state asks for nobody, which is as it should be.
    """

    orders: tuple[Demanded, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    unsaid: Text | None = None
    left: Left | None = None


def demanded(choice: Choice, role: OrderRole, *, reason: OrderReason, explanation: Explanation) -> Demanded:
    """Put together one order for `choice`."""
    return Demanded(role=role, reason=reason, target=choice.target, level=choice.level, explanation=explanation)


def explained_by_rule(match: Match, choice: Choice, *, walk: Walk, playbook: PlaybookRef) -> Explanation:
    """Say which rule asked for `choice`, what held, and how the choice fell."""
    rule = match.rule
    return Explanation(
        playbook=playbook,
        words=_clipped(f"规则「{rule.title.zh}」：{rule.because.zh}。{choice.why.zh}。"),
        words_en=_clipped(f"Rule '{rule.title.en}': {rule.because.en}. {_sentence(choice.why.en)}"),
        rule_id=rule.id,
        rule_version=playbook.version[:32],
        rule_title=rule.title.zh[:LONGEST_TITLE],
        conditions=match.conditions,
        near_misses=walk.near_misses,
        shadows=walk.would_have,
    )


def explained(words: Text, *, playbook: PlaybookRef, walk: Walk | None = None) -> Explanation:
    """Say why without a rule: unrouted, returned or escalated."""
    return Explanation(
        playbook=playbook,
        words=_clipped(words.zh),
        words_en=_clipped(words.en),
        near_misses=walk.near_misses if walk is not None else (),
        shadows=walk.would_have if walk is not None else (),
    )


def strongest_first(orders: Sequence[Demanded]) -> tuple[Demanded, ...]:
    """Keep one order a target, in its strongest role: lead before assist before oversee."""
    ranks = {OrderRole.LEAD: 0, OrderRole.ASSIST: 1, OrderRole.OVERSEE: 2}
    kept: dict[tuple[str, str], Demanded] = {}
    for order in sorted(orders, key=lambda order: ranks[order.role]):
        kept.setdefault((order.target.kind, order.target.id), order)
    return tuple(kept.values())


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."


def _clipped(words: str) -> str:
    return words[:LONGEST_NOTE]
