"""Where an order goes on to: given back by its target, or late and moved up."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from services.router.domain.above import county_desk, desks_above
from services.router.domain.decision import Decision, Withdrawal, demanded, explained
from services.router.domain.facts import Facts
from services.router.domain.matters import step_choices
from services.router.domain.rulebook import Rulebook
from services.router.domain.standing import fitted, held_by, name_of, spares
from services.router.domain.targets import Choice
from shared.events.case import CaseReturned
from shared.events.order import Order
from shared.events.parts import Standing
from shared.events.sla import ClockEscalated
from shared.playbook.model import DutyTarget, Power, Target, Text
from shared.vocabulary import OrderReason, OrderRole, WhenLate


def reroute(returned: CaseReturned, facts: Facts, book: Rulebook) -> Decision:
    """Return the order that replaces one given back (退单), in the same role, step and whistle.

    Routing goes on to whoever else the rules or the duty list name, never to one who returned it.
    When nobody else is left, or the county's allowance of returns is used up, the desk above decides
    for good (终审): a lead's order is then one to rule. Above the county nobody stands: its own desk keeps
    the case. Whoever stands in the role already is not asked for it again; if that leaves nobody for an
    assistant's order, the case goes on with those whom it has.
    """
    facts = facts.refused_also_by(returned.target)
    standing = _beside(returned)
    tired = len(facts.case.returns) > book.playbook.policy.returns_allowed
    choice = None if tired else next(_free(_others(returned, facts, book), returned, standing), None)
    if choice is not None:
        return _again(returned, choice, _passed_on(returned, choice), book)
    desks = (desk for desk in desks_above(returned.target, facts, book) if not facts.refused_by(desk.target))
    above = next(_free(desks, returned, standing, at_rest=True), None)
    # Whoever decides for good does so by ruling, even on keeping the case; an assistant's part is only taken on.
    reason = OrderReason.RULING if returned.order_role is OrderRole.LEAD else OrderReason.RETURNED
    if above is not None:
        return _again(returned, above, _arbitrated(returned, above, tired=tired), book, reason=reason)
    county = county_desk(book)
    if returned.order_role is not OrderRole.LEAD and held_by(county.target, standing):
        return Decision(unsaid=_goes_on(returned))
    return _again(returned, county, _kept(returned, county), book, reason=reason)


def move_up(late: ClockEscalated, facts: Facts, book: Rulebook) -> Decision:
    """Return what a late clock leads to at the level above.

    Oversee: the desk above watches and the late order stands. Take over: the desk above has the
    order now, in the role, step and whistle of the late one, and the late one is withdrawn. A desk that gave
    the case back does not get it again without a ruling (裁定): the next above it takes over; the county's keeps
    it in any case. A clock that belongs to no order takes nothing over from whoever leads: then the
    desk above oversees.
    """
    role = _role_above(late)
    choice = _above(late, role, facts, book)
    explanation = explained(_escalated(late, role, choice), playbook=book.ref)
    order = demanded(choice, role, reason=OrderReason.ESCALATED, explanation=explanation)
    late_order = late.clock.order or _told(late)
    if late.when_late is not WhenLate.TAKE_OVER or late_order is None:
        return Decision(orders=(order,))
    order = replace(order, step=late_order.step, whistle=late_order.whistle, clock_profile=late_order.clock_profile)
    reason = f"逾期由{name_of(choice.target)}接管：{late.reason}"[:2000]
    reason_en = f"late, so {name_of(choice.target)} takes over: {late.clock.limit}"[:2000]
    withdrawal = Withdrawal(order=late_order, reason=reason, reason_en=reason_en, by=order)
    return Decision(orders=(order,), withdrawals=(withdrawal,))


def _beside(returned: CaseReturned) -> tuple[Standing, ...]:
    return tuple(order for order in returned.standing if order.order_id != returned.order_id)


def _free(
    choices: Iterable[Choice], returned: CaseReturned, standing: Sequence[Standing], *, at_rest: bool = False
) -> Iterator[Choice]:
    """Yield who does not stand in the role already; `at_rest` also passes over desks that do anything else.

    A step is a thing of its own: whoever leads or assists may have it beside that.
    """
    role, step = returned.order_role, _step(returned)
    for choice in choices:
        busy = at_rest and role is not OrderRole.LEAD and held_by(choice.target, standing)
        if step is not None or not (busy or spares(choice.target, role, standing)):
            yield choice


def _step(returned: CaseReturned) -> str | None:
    return returned.order.step if returned.order is not None else None


def _above(late: ClockEscalated, role: OrderRole, facts: Facts, book: Rulebook) -> Choice:
    """Who takes hold: the desk that the clock names, or the next above it when that one returned the case."""
    if role is not OrderRole.OVERSEE and facts.refused_by(late.to):
        choice = book.directory.from_desk_up(late.to, facts)
        if choice is not None:
            return choice
    return Choice(target=late.to, level=late.to_level, why=Text(zh=late.to.name, en=late.to.id))


def _told(late: ClockEscalated) -> Order | None:
    """The late order as far as a clock tells that does not carry it: why and when it was issued are guessed."""
    clock = late.clock
    if clock.order_id is None or clock.target is None:
        return None
    return Order(
        order_id=clock.order_id,
        case_id=late.case.case_id,
        role=clock.order_role or OrderRole.LEAD,
        reason=OrderReason.ESCALATED,
        target=clock.target,
        level=clock.level,
        # Most clocks of an order start when it is issued.
        issued_at=clock.started_at,
        generation=late.case.reopened,
    )


def _others(returned: CaseReturned, facts: Facts, book: Rulebook) -> Iterator[Choice]:
    """Yield who else may take the role: for a step whom the matter names; by the rules that hold; by the duty list."""
    step = _step(returned)
    if step is not None:
        yield from step_choices(step, facts, book)
    asked: list[Target] = [] if step is not None else _asked(returned, facts, book)
    helps = returned.order_role is OrderRole.ASSIST and step is None
    for target in (*asked, DutyTarget(power=Power.ASSIST if helps else None)):
        yield from book.directory.choices(target, facts)


def _asked(returned: CaseReturned, facts: Facts, book: Rulebook) -> list[Target]:
    """Whom the rules that hold ask for in the role.

    Of several assistants only the one who returned is replaced: a named other one was asked when
    the case was opened. A lead is one, so any other named lead is a candidate.
    """
    return [
        demand.target
        for match in book.walk(facts).matches
        for demand in match.rule.demands
        if demand.role is returned.order_role
        and (returned.order_role is OrderRole.LEAD or isinstance(demand.target, DutyTarget))
    ]


def _again(
    returned: CaseReturned,
    choice: Choice,
    words: Text,
    book: Rulebook,
    *,
    reason: OrderReason = OrderReason.RETURNED,
) -> Decision:
    explanation = explained(words, playbook=book.ref)
    order = demanded(choice, returned.order_role, reason=reason, explanation=explanation)
    whistle = returned.order.whistle if returned.order is not None else None
    order = replace(order, step=_step(returned), whistle=whistle)
    return fitted((order,), _beside(returned), returned.case).decided()


def _passed_on(returned: CaseReturned, choice: Choice) -> Text:
    name = name_of(returned.target)
    return Text(
        zh=f"{name}退单（{returned.reason}），改派：{choice.why.zh}。",
        en=f"{name} returned it ({returned.reason}); it goes on: {choice.why.en}.",
    )


def _arbitrated(returned: CaseReturned, desk: Choice, *, tired: bool) -> Text:
    name, times = name_of(returned.target), len(returned.case.returns)
    zh = f"已退单{times}次，超过规定" if tired else "再无其他可派对象"
    en = f"it has been returned {times} times, more than allowed" if tired else "nobody else is left to ask"
    return Text(
        zh=f"{name}退单（{returned.reason}），{zh}，由上级裁定：{desk.why.zh}。",
        en=f"{name} returned it ({returned.reason}); {en}: {desk.why.en} decides.",
    )


def _kept(returned: CaseReturned, county: Choice) -> Text:
    name = name_of(returned.target)
    return Text(
        zh=f"{name}退单（{returned.reason}），县级之上再无平台，仍由{county.why.zh}负责。",
        en=f"{name} returned it ({returned.reason}); nobody is above the county: it stays with {county.why.en}.",
    )


def _goes_on(returned: CaseReturned) -> Text:
    name = name_of(returned.target)
    return Text(
        zh=f"{name}退单（{returned.reason}），再无其他可派对象，由现有承办方继续办理",
        en=f"{name} returned it ({returned.reason}) and nobody else is left to ask: those who have the case go on",
    )


def _role_above(late: ClockEscalated) -> OrderRole:
    if late.when_late is not WhenLate.TAKE_OVER:
        return OrderRole.OVERSEE
    if late.clock.order_id is None and late.case.lead is not None:
        return OrderRole.OVERSEE
    return late.clock.order_role or OrderRole.LEAD


def _escalated(late: ClockEscalated, role: OrderRole, choice: Choice) -> Text:
    clock = late.clock
    to, named = name_of(choice.target), name_of(late.to)
    passed = Text(zh="", en="")
    if choice.target.id != late.to.id:
        passed = Text(zh=f"{named}此前已退单，", en=f"{named} returned the case before, so ")
    zh = "督办" if role is OrderRole.OVERSEE else "接管"
    en = "oversees" if role is OrderRole.OVERSEE else "takes over"
    return Text(
        zh=f"{late.reason}，{passed.zh}升级到{to}{zh}。时限：{clock.limit}；{clock.arithmetic}。",
        en=f"The {clock.kind.value} clock was due at {clock.due_at.isoformat()}; {passed.en}{to} {en}. "
        f"Limit: {clock.limit}; {clock.arithmetic}.",
    )
