"""What a decision asks for, fitted to the orders that stand already: nobody gets a second one (重复派单)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from services.router.domain.decision import LONGEST_NOTE, Decision, Demanded, Withdrawal
from shared.events.order import Order
from shared.events.parts import CaseView, Standing, Target
from shared.playbook.model import Text
from shared.vocabulary import CASE_ENDED, CaseState, OrderRole, OrderState

ROLE_WORDS: Final = {
    OrderRole.LEAD: Text(zh="主办", en="leads"),
    OrderRole.ASSIST: Text(zh="协办", en="assists"),
    OrderRole.OVERSEE: Text(zh="督办", en="oversees"),
}
AT_WORK: Final = frozenset({OrderState.ISSUED, OrderState.SIGNED, OrderState.ARRIVED, OrderState.IN_PROGRESS})
"""States in which an order stands; one that is being returned only waits for another to sign."""
DONE: Final = CASE_ENDED | {CaseState.RESOLVED, CaseState.VERIFIED}
"""States of a case for which nobody need be found any more."""
_RANK: Final = {OrderRole.LEAD: 0, OrderRole.ASSIST: 1, OrderRole.OVERSEE: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Orders to issue and to take back, and in words each that was not asked for again."""

    orders: tuple[Demanded, ...]
    withdrawals: tuple[Withdrawal, ...]
    spared: tuple[Text, ...]

    def decided(self, *notes: Text) -> Decision:
        """Return the decision, with `notes` and who was spared told by each of its orders."""
        orders = tuple(noted(order, (*notes, *self.spared)) for order in self.orders)
        return Decision(orders=orders, withdrawals=self.withdrawals)


def fitted(orders: Sequence[Demanded], standing: Sequence[Standing], case: CaseView) -> Fitted:
    """Ask for nothing that stands; what is asked for takes the place of weaker orders of the same target.

    `orders` come strongest first. A lead takes the place of whoever leads. A step of a matter is a thing of
    its own: it is asked for once, whoever has it, and its target may lead or have other steps beside it; only
    its plain assistance ends.
    """
    asked: list[Demanded] = []
    withdrawals: list[Withdrawal] = []
    spared: list[Text] = []
    stands = at_work(standing)
    for order in orders:
        has = _has_already(order, stands)
        if has is not None:
            spared.append(_not_again(has))
            continue
        demand, weaker = _taking_over(order, stands)
        asked.append(demand)
        withdrawals += (withdrawal(old, case, by=demand) for old in weaker)
        stands = tuple(old for old in stands if old not in weaker)
    return Fitted(orders=tuple(asked), withdrawals=tuple(withdrawals), spared=tuple(spared))


def at_work(standing: Sequence[Standing]) -> tuple[Standing, ...]:
    """Return the orders whose targets have something to do."""
    return tuple(order for order in standing if order.state in AT_WORK)


def leading(standing: Sequence[Standing]) -> Standing | None:
    """Return the lead's order that stands, if any."""
    return next((order for order in at_work(standing) if order.role is OrderRole.LEAD), None)


def held_by(target: Target, standing: Sequence[Standing]) -> tuple[Standing, ...]:
    """Return the orders of `target` that stand, a matter's steps aside."""
    return tuple(order for order in at_work(standing) if same(order.target, target) and order.step is None)


def without(order: Standing, standing: Sequence[Standing]) -> tuple[Standing, ...]:
    """Return what stands beside `order`."""
    return tuple(other for other in standing if other.order_id != order.order_id)


def spares(target: Target, role: OrderRole, standing: Sequence[Standing]) -> Standing | None:
    """Return the order that makes one of `role` needless: `target` has that role or a stronger one."""
    return next((order for order in held_by(target, standing) if _RANK[order.role] <= _RANK[role]), None)


def withdrawal(old: Standing, case: CaseView, *, by: Demanded | None = None, why: Text | None = None) -> Withdrawal:
    """Take `old` back; without a `why` because `by` stands instead."""
    said = why or _instead(old, by)
    reason, reason_en = said.zh[:LONGEST_NOTE], said.en[:LONGEST_NOTE]
    return Withdrawal(order=as_order(old, case), reason=reason, reason_en=reason_en, by=by)


def as_order(old: Standing, case: CaseView) -> Order:
    """Return the order as far as the case tells it."""
    return Order(
        order_id=old.order_id,
        case_id=case.case_id,
        role=old.role,
        reason=old.reason,
        target=old.target,
        level=old.level,
        issued_at=old.issued_at,
        generation=case.reopened,
        step=old.step,
        whistle=old.whistle,
    )


def same(one: Target, other: Target) -> bool:
    """Whether both are the same desk or department, whatever they are called."""
    return (one.kind, one.id) == (other.kind, other.id)


def name_of(target: Target) -> str:
    """Return what people call `target`."""
    return target.name or target.id


def noted(order: Demanded, notes: Sequence[Text]) -> Demanded:
    """Return the order with `notes` at the end of its explanation."""
    if not notes:
        return order
    told = order.explanation
    words = f"{told.words}{''.join(f'{note.zh}。' for note in notes)}"
    words_en = " ".join((told.words_en, *(f"{note.en[:1].upper()}{note.en[1:]}." for note in notes)))
    explanation = replace(told, words=words[:LONGEST_NOTE], words_en=words_en[:LONGEST_NOTE])
    return replace(order, explanation=explanation)


def _has_already(order: Demanded, standing: Sequence[Standing]) -> Standing | None:
    if order.step is not None:
        return next((old for old in at_work(standing) if old.step == order.step), None)
    return spares(order.target, order.role, standing)


def _taking_over(order: Demanded, standing: Sequence[Standing]) -> tuple[Demanded, tuple[Standing, ...]]:
    """The order, with the whistle that it goes on for, and those that it takes the place of."""
    held = held_by(order.target, standing)
    if order.step is not None:
        return order, tuple(old for old in held if old.role is OrderRole.ASSIST and old.whistle is None)
    called = next((old.whistle for old in held if old.role is OrderRole.ASSIST and old.whistle is not None), None)
    demand = order if order.whistle is not None else replace(order, whistle=called)
    if order.role is not OrderRole.LEAD:
        return demand, held
    return demand, (*(old for old in at_work(standing) if old.role is OrderRole.LEAD and old not in held), *held)


def _not_again(has: Standing) -> Text:
    role, name = ROLE_WORDS[has.role], name_of(has.target)
    return Text(zh=f"{name}已在{role.zh}，不重复派单", en=f"{name} {role.en} already and is not asked again")


def _instead(old: Standing, by: Demanded | None) -> Text:
    if by is None:
        return Text(zh="不再需要", en="no longer needed")
    role, name = ROLE_WORDS[by.role], name_of(by.target)
    if same(old.target, by.target):
        return Text(zh=f"改为{role.zh}，原单撤回", en=f"{name} {role.en} now; this order gives way to that one")
    return Text(zh=f"改由{name}{role.zh}", en=f"{name} {role.en} instead")
