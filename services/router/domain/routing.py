"""Who acts on a new or reopened case."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from services.router.domain.decision import (
    Decision,
    Demanded,
    demanded,
    explained,
    explained_by_rule,
    strongest_first,
)
from services.router.domain.facts import Facts
from services.router.domain.matters import opened
from services.router.domain.rulebook import Match, Rulebook, Walk
from services.router.domain.settings import settings_of
from services.router.domain.shadows import with_shadows
from services.router.domain.targets import Choice
from shared.playbook.model import Demand, Rule, Text
from shared.vocabulary import OrderReason, OrderRole


def route(facts: Facts, book: Rulebook, *, reason: OrderReason = OrderReason.RULE) -> Decision:
    """Return the orders for a case: exactly one lead, and whoever assists or oversees.

    Rules are tried in order; the first lead stands, a later one assists it. Where a rule asks by duty
    for a lead, and the duty is contested or nobody's, and no other rule names one, the desk above rules
    whose it is (裁定). A case that no rule gives a lead goes to the duty desk of its area, marked
    unrouted: nothing is silently dropped. Whoever returned the case is not asked again.
    """
    return decided(book.walk(facts), facts, book, reason=reason)


def decided(walk: Walk, facts: Facts, book: Rulebook, *, reason: OrderReason) -> Decision:
    """Return the orders that the rules of `walk` ask for."""
    walk = with_shadows(walk, facts, book)
    asked = list(_asked(walk, facts, book))
    orders = [_by_rule(one, walk, facts, book, reason=reason) for one in asked]
    led_by = next((one.match.rule for one in asked if one.role is OrderRole.LEAD), None)
    if led_by is None:
        orders.append(_to_rule(walk, facts, book) or _unrouted(walk, facts, book))
    lead, *others = strongest_first(orders)
    sets = settings_of(walk.matches)
    lead = replace(lead, sets=sets) if sets is not None else lead
    return _as_matter(Decision(orders=(lead, *others)), led_by, facts, book)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """Whom one demand of a rule comes to, in the role that is left for it."""

    match: Match
    choice: Choice
    role: OrderRole


def _asked(walk: Walk, facts: Facts, book: Rulebook) -> Iterator[_Asked]:
    led = False
    for match in walk.matches:
        for demand in match.rule.demands:
            choice = None if _in_dispute(demand, facts, book) else book.directory.chosen(demand, facts)
            if choice is None:
                continue
            role = OrderRole.ASSIST if led and demand.role is OrderRole.LEAD else demand.role
            led = led or role is OrderRole.LEAD
            yield _Asked(match=match, choice=choice, role=role)


def _in_dispute(demand: Demand, facts: Facts, book: Rulebook) -> bool:
    return demand.role is OrderRole.LEAD and bool(book.directory.contested(demand.target, facts))


def _by_rule(one: _Asked, walk: Walk, facts: Facts, book: Rulebook, *, reason: OrderReason) -> Demanded:
    return Demanded(
        role=one.role,
        reason=reason,
        target=one.choice.target,
        level=one.choice.level,
        explanation=explained_by_rule(one.match, one.choice, walk=walk, playbook=book.ref),
        clock_profile=one.match.rule.sets.clock_profile,
        on_duty=book.directory.roster.on_duty(one.choice.target, facts),
    )


def _to_rule(walk: Walk, facts: Facts, book: Rulebook) -> Demanded | None:
    """Return the order to rule whose duty it is; None when no rule asked for a duty that is contested or nobody's."""
    for match in walk.matches:
        for demand in match.rule.demands:
            if demand.role is not OrderRole.LEAD:
                continue
            contested = book.directory.contested(demand.target, facts)
            if contested or book.directory.is_unclear(demand.target, facts):
                desk = book.directory.ruling_desk(contested, facts)
                choice = replace(desk, why=_why_ruling(contested, desk))
                asked = _Asked(match=match, choice=choice, role=OrderRole.LEAD)
                return _by_rule(asked, walk, facts, book, reason=OrderReason.RULING)
    return None


def _why_ruling(contested: tuple[Choice, ...], desk: Choice) -> Text:
    if not contested:
        return Text(
            zh=f"权责清单没有任何部门对此负责，职责不清，由{desk.why.zh}裁定",
            en=f"the duty list gives this to nobody, so {desk.why.en} rules whose it is",
        )
    names = [choice.target.name or choice.target.id for choice in contested]
    ids = ", ".join(choice.target.id for choice in contested)
    return Text(
        zh=f"{'、'.join(names)}的权责同样接近，职责有争议，由{desk.why.zh}裁定",
        en=f"the duty of {ids} is equally close, so {desk.why.en} rules whose it is",
    )


def _unrouted(walk: Walk, facts: Facts, book: Rulebook) -> Demanded:
    desk = book.directory.duty_desk(facts)
    why = _why_unrouted(walk)
    words = Text(
        zh=f"{why.zh}，转所在区域值班平台：{desk.why.zh}。",
        en=f"{why.en}; it goes to the duty desk of its area: {desk.why.en}.",
    )
    explanation = explained(words, playbook=book.ref, walk=walk)
    order = demanded(desk, OrderRole.LEAD, reason=OrderReason.UNROUTED, explanation=explanation)
    return replace(order, on_duty=book.directory.roster.on_duty(order.target, facts))


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


def _as_matter(decision: Decision, led_by: Rule | None, facts: Facts, book: Rulebook) -> Decision:
    """Add the matter to the lead's order, and the orders of the steps that begin at once.

    Who leads or oversees the case as well gets one order for each; who would only assist has a step instead.
    """
    matter = opened(led_by.matter, facts, book) if led_by is not None and led_by.matter is not None else None
    if matter is None:
        return decision
    lead, *others = decision.orders
    steps = {(order.target.kind, order.target.id) for order in matter.orders}
    beside = [
        order
        for order in others
        if order.role is not OrderRole.ASSIST or (order.target.kind, order.target.id) not in steps
    ]
    return Decision(orders=(replace(lead, matter=matter.view), *beside, *matter.orders))
