"""Where an order goes on to: given back by its target, or late and moved up."""

from collections.abc import Iterator

from services.router.domain.decision import Decision, Withdrawal, demanded, explained
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from services.router.domain.targets import Choice
from shared.events.case import CaseReturned
from shared.events.order import Order
from shared.events.parts import Target
from shared.events.sla import ClockEscalated
from shared.playbook.model import DutyTarget, Power, Text
from shared.vocabulary import Level, OrderReason, OrderRole, TargetKind, WhenLate, level_of


def reroute(returned: CaseReturned, facts: Facts, book: Rulebook) -> Decision:
    """Return the order that replaces one given back (退单), in the same role.

    Routing goes on to whoever else the rules or the duty list name, never to one who returned it.
    When nobody else is left, or the county's allowance of returns is used up, the desk above decides
    for good (终审). Above the county nobody stands: its own desk keeps the case.
    """
    facts = facts.refused_also_by(returned.target)
    tired = len(facts.case.returns) > book.playbook.policy.returns_allowed
    choice = None if tired else next(_others(returned, facts, book), None)
    if choice is not None:
        return _again(returned, choice, _passed_on(returned, choice), book)
    above = book.directory.above(returned.target, _level(returned.target, facts, book), facts)
    if above is None:
        county = book.directory.desk(book.playbook.areas[book.playbook.county])
        return _again(returned, county, _kept(returned, county), book)
    return _again(returned, above, _arbitrated(returned, above, tired=tired), book)


def move_up(late: ClockEscalated, book: Rulebook) -> Decision:
    """Return what a late clock leads to at the level above.

    Oversee: the desk above watches and the late order stands. Take over: the desk above has the
    order now, in the role of the late one, and the late one is withdrawn. A desk that gave the case
    back does not get it again without a ruling (裁定): the next above it takes over; the county's keeps
    it in any case. A clock that belongs to no order takes nothing over from whoever leads: then the
    desk above oversees.
    """
    role = _role_above(late)
    choice = _above(late, role, book)
    explanation = explained(_escalated(late, role, choice), playbook=book.ref)
    order = demanded(choice, role, reason=OrderReason.ESCALATED, explanation=explanation)
    late_order = late.clock.order or _told(late)
    if late.when_late is not WhenLate.TAKE_OVER or late_order is None:
        return Decision(orders=(order,))
    reason = f"逾期由{_name(choice.target)}接管：{late.reason}"[:2000]
    return Decision(orders=(order,), withdrawals=(Withdrawal(order=late_order, reason=reason, by=order),))


def _above(late: ClockEscalated, role: OrderRole, book: Rulebook) -> Choice:
    """Who takes hold: the desk that the clock names, or the next above it when that one returned the case."""
    facts = Facts.of(late.case)
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
    """Yield who else may take the role: by the rules that hold, then by the duty list."""
    taken = {returned.case.lead} if returned.order_role is not OrderRole.LEAD else set()
    asked = [
        demand.target
        for match in book.walk(facts).matches
        for demand in match.rule.demands
        if demand.role is returned.order_role and not _names_another(demand.target, returned)
    ]
    power = Power.ASSIST if returned.order_role is OrderRole.ASSIST else None
    for target in (*asked, DutyTarget(power=power)):
        for choice in book.directory.choices(target, facts):
            if choice.target not in taken:
                yield choice


def _names_another(target: object, returned: CaseReturned) -> bool:
    """Say whether the rule names somebody who has an order of this role already.

    Of several assistants only the one who returned is replaced: a named other one was asked when
    the case was opened. A lead is one, so any other named lead is a candidate.
    """
    return returned.order_role is not OrderRole.LEAD and not isinstance(target, DutyTarget)


def _level(target: Target, facts: Facts, book: Rulebook) -> Level:
    known = book.directory.level_of(target)
    if known is not None:
        return known
    # A department or desk of an older playbook: its case's own level is the best that is known.
    return level_of(target.id) if target.kind is TargetKind.DESK else facts.case.level


def _again(returned: CaseReturned, choice: Choice, words: Text, book: Rulebook) -> Decision:
    explanation = explained(words, playbook=book.ref)
    order = demanded(choice, returned.order_role, reason=OrderReason.RETURNED, explanation=explanation)
    return Decision(orders=(order,))


def _passed_on(returned: CaseReturned, choice: Choice) -> Text:
    return Text(
        zh=f"{_name(returned.target)}退单（{returned.reason}），改派：{choice.why.zh}。",
        en=f"{_name(returned.target)} returned it ({returned.reason}); it goes on: {choice.why.en}.",
    )


def _arbitrated(returned: CaseReturned, desk: Choice, *, tired: bool) -> Text:
    times = len(returned.case.returns)
    zh = f"已退单{times}次，超过规定" if tired else "再无其他可派对象"
    en = f"it has been returned {times} times, more than allowed" if tired else "nobody else is left to ask"
    return Text(
        zh=f"{_name(returned.target)}退单（{returned.reason}），{zh}，由上级裁定：{desk.why.zh}。",
        en=f"{_name(returned.target)} returned it ({returned.reason}); {en}: {desk.why.en} decides.",
    )


def _kept(returned: CaseReturned, county: Choice) -> Text:
    return Text(
        zh=f"{_name(returned.target)}退单（{returned.reason}），县级之上再无平台，仍由{county.why.zh}负责。",
        en=f"{_name(returned.target)} returned it ({returned.reason}); nobody is above the county: "
        f"it stays with {county.why.en}.",
    )


def _role_above(late: ClockEscalated) -> OrderRole:
    if late.when_late is not WhenLate.TAKE_OVER:
        return OrderRole.OVERSEE
    if late.clock.order_id is None and late.case.lead is not None:
        return OrderRole.OVERSEE
    return late.clock.order_role or OrderRole.LEAD


def _escalated(late: ClockEscalated, role: OrderRole, choice: Choice) -> Text:
    clock = late.clock
    to, named = _name(choice.target), _name(late.to)
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


def _name(target: Target) -> str:
    return target.name or target.id
