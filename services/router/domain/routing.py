"""Who acts on a new or reopened case."""

from collections.abc import Iterator

from services.router.domain.decision import (
    Decision,
    Demanded,
    demanded,
    explained,
    explained_by_rule,
    strongest_first,
)
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Match, Rulebook, Walk
from services.router.domain.targets import Choice
from shared.playbook.model import Demand, Text
from shared.vocabulary import OrderReason, OrderRole


def route(facts: Facts, book: Rulebook, *, reason: OrderReason = OrderReason.RULE) -> Decision:
    """Return the orders for a case: exactly one lead, and whoever assists or oversees.

    Rules are tried in order; the first lead stands, a later one assists it. A case that no rule
    gives a lead goes to the duty desk of its area, marked unrouted: nothing is silently dropped. Whoever
    returned the case is not asked again.
    """
    walk = book.walk(facts)
    orders = list(_orders(walk, facts, book, reason))
    if not any(order.role is OrderRole.LEAD for order in orders):
        orders.append(_unrouted(walk, facts, book))
    return Decision(orders=strongest_first(orders))


def _orders(walk: Walk, facts: Facts, book: Rulebook, reason: OrderReason) -> Iterator[Demanded]:
    led = False
    for match in walk.matches:
        for demand in match.rule.demands:
            choice = next(book.directory.choices(demand.target, facts), None)
            if choice is None:
                continue
            role = OrderRole.ASSIST if led and demand.role is OrderRole.LEAD else demand.role
            led = led or role is OrderRole.LEAD
            yield _by_rule(match, choice, role, walk=walk, book=book, reason=reason)


def _by_rule(
    match: Match, choice: Choice, role: OrderRole, *, walk: Walk, book: Rulebook, reason: OrderReason
) -> Demanded:
    explanation = explained_by_rule(match, choice, walk=walk, playbook=book.ref)
    return demanded(choice, role, reason=reason, explanation=explanation)


def _unrouted(walk: Walk, facts: Facts, book: Rulebook) -> Demanded:
    desk = book.directory.duty_desk(facts)
    why = _why_unrouted(walk)
    words = Text(
        zh=f"{why.zh}，转所在区域值班平台：{desk.why.zh}。",
        en=f"{why.en}; it goes to the duty desk of its area: {desk.why.en}.",
    )
    explanation = explained(words, playbook=book.ref, walk=walk)
    return demanded(desk, OrderRole.LEAD, reason=OrderReason.UNROUTED, explanation=explanation)


def _why_unrouted(walk: Walk) -> Text:
    asked = [match.rule.id for match in walk.matches if _asks_lead(match.rule.demands)]
    if not asked:
        return Text(zh="没有规则为本事件指定主办", en="No rule names a lead for this case")
    rules = ", ".join(asked)
    return Text(
        zh=f"规则 {rules} 要求的主办无人可派（无此权责，或已退单）",
        en=f"Nobody is left to lead as rule {rules} asks (none has the duty, or all returned it)",
    )


def _asks_lead(demands: tuple[Demand, ...]) -> bool:
    return any(demand.role is OrderRole.LEAD for demand in demands)
