"""Where a late order moves up to."""

from dataclasses import replace

from services.router.domain.decision import LONGEST_NOTE, Decision, Withdrawal, demanded, explained
from services.router.domain.facts import Facts
from services.router.domain.left import Left
from services.router.domain.rulebook import Rulebook
from services.router.domain.standing import name_of, same
from services.router.domain.targets import Choice
from shared.events.order import Order
from shared.events.sla import ClockEscalated
from shared.playbook.model import Text
from shared.vocabulary import OrderReason, OrderRole, WhenLate
from shared.words import CLOCKS, halves, limit_words


def move_up(late: ClockEscalated, facts: Facts, book: Rulebook) -> Decision:
    """Return what a late clock leads to at the level above.

    Oversee: the desk above watches and the late order stands. Take over: the desk above has the
    order now, in the role, step and whistle of the late one, and the late one is withdrawn. A desk that gave
    the case back does not get it again without a ruling (裁定): the next above it takes over; the county's keeps
    it in any case. A clock that belongs to no order takes nothing over from whoever leads: then the
    desk above oversees. A desk that leads the case watches over it as it is, and is asked nothing more.

    A chain's clock moves up more than once, to a higher desk each time, and can do so before it is due.
    """
    role = _role_above(late)
    if role is OrderRole.OVERSEE and late.case.lead is not None and same(late.case.lead, late.to):
        return Decision(left=Left.LEADS)
    choice = _above(late, role, facts, book)
    explanation = explained(_escalated(late, role, choice), playbook=book.ref)
    order = demanded(choice, role, reason=OrderReason.ESCALATED, explanation=explanation)
    late_order = late.clock.order or _told(late)
    if late.when_late is not WhenLate.TAKE_OVER or late_order is None:
        return Decision(orders=(order,))
    order = replace(order, step=late_order.step, whistle=late_order.whistle, clock_profile=late_order.clock_profile)
    when, to = _when(late), name_of(choice.target)
    kind, limit = CLOCKS[late.clock.kind], limit_words(late.clock.limit)
    reason = f"{when.zh}由{to}接管：{kind.zh}时限 {limit.zh}"[:LONGEST_NOTE]
    reason_en = f"{when.en}, so {to} takes over: {kind.en}, limit {limit.en}"[:LONGEST_NOTE]
    withdrawal = Withdrawal(order=late_order, reason=reason, reason_en=reason_en, by=order)
    return Decision(orders=(order,), withdrawals=(withdrawal,))


def _when(late: ClockEscalated) -> Text:
    """Whether the clock is late, or its chain moves the case up before it is."""
    if late.fired_at >= late.clock.due_at:
        return Text(zh="逾期", en="late")
    return Text(zh="按升级链提前", en="not late yet, but its chain says so")


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


def _role_above(late: ClockEscalated) -> OrderRole:
    if late.when_late is not WhenLate.TAKE_OVER:
        return OrderRole.OVERSEE
    if late.clock.order_id is None and late.case.lead is not None:
        return OrderRole.OVERSEE
    return late.clock.order_role or OrderRole.LEAD


def _escalated(late: ClockEscalated, role: OrderRole, choice: Choice) -> Text:
    clock, sums = late.clock, halves(late.clock.arithmetic)
    to, named = name_of(choice.target), name_of(late.to)
    passed = Text(zh="", en="")
    if choice.target.id != late.to.id:
        passed = Text(zh=f"{named}此前已退单，", en=f"{named} returned the case before, so ")
    zh = "督办" if role is OrderRole.OVERSEE else "接管"
    en = "oversees" if role is OrderRole.OVERSEE else "takes over"
    due = "was due" if late.fired_at >= clock.due_at else "is due"
    return Text(
        zh=f"{halves(late.reason).zh}，{passed.zh}升级到{to}{zh}。时限：{sums.zh}。",
        en=f"The {clock.kind.value} clock {due} at {clock.due_at.isoformat()}; {passed.en}{to} {en}. Limit: {sums.en}.",
    )
