"""What a change of mode means for a case that is open (平战转换)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from services.router.domain.decision import Decision, Demanded, Withdrawal
from services.router.domain.facts import Facts
from services.router.domain.routing import route
from services.router.domain.rulebook import Rulebook
from services.router.domain.standing import DONE, at_work, fitted, leading, name_of, noted, same, withdrawal
from shared.events.case import CaseModeChanged
from shared.events.order import CaseSettings
from shared.events.parts import Standing
from shared.playbook.model import Mode, Settle, Text
from shared.vocabulary import NORMAL, OrderReason, OrderRole, OrderState, TargetKind


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """The profiles left and entered, as far as the playbook knows them, and what stands."""

    left: Mode | None
    entered: Mode | None
    standing: tuple[Standing, ...]
    why: Text


def change_mode(changed: CaseModeChanged, facts: Facts, book: Rulebook) -> Decision:
    """Return what the profiles say: the left one's settling, then the entered one's routing anew.

    Left, a profile that settles by withdrawing takes back the orders that a mode brought and nobody has signed;
    a case that would lose its lead by that is routed under the mode now in force. Entered, a profile that routes
    this case anew asks for what does not stand yet. Its lead takes the place of one who has not signed. Of one
    who has it does not (首接负责): then a department assists, and a desk oversees. All else stays as it is;
    nobody is asked for a case that is done.
    """
    change = _change(changed, book)
    gone = _settled(change)
    open_still = facts.case.state not in DONE
    rerouted = open_still and change.entered is not None and book.reroutes(change.entered.id, facts)
    leaderless = open_still and any(order.role is OrderRole.LEAD for order in gone)
    if not (gone or rerouted):
        return Decision()
    wanted = _wanted(facts, book, all_of_it=rerouted) if rerouted or leaderless else ()
    gone = tuple(order for order in gone if not _wanted_again(order, wanted))
    stays = tuple(order for order in change.standing if order not in gone)
    lead = leading(stays)
    fit = fitted(_beside(wanted, lead), stays, facts.case)
    decision = fit.decided()
    orders = tuple(_said(order, change.why) for order in decision.orders)
    successor = next((order for order in orders if order.role is OrderRole.LEAD), None)
    settled = tuple(_taken_back(order, successor, change.why, facts) for order in gone)
    return Decision(orders=orders, withdrawals=(*settled, *decision.withdrawals))


def _change(changed: CaseModeChanged, book: Rulebook) -> _Change:
    modes = book.playbook.modes
    left, entered = modes.get(changed.before), modes.get(changed.case.mode)
    why = Text(
        zh=f"模式由「{_titled(changed.before, left).zh}」转为「{_titled(changed.case.mode, entered).zh}」",
        en=f"The mode changed from {_titled(changed.before, left).en} to {_titled(changed.case.mode, entered).en}",
    )
    return _Change(left=left, entered=entered, standing=at_work(changed.standing), why=why)


def _settled(change: _Change) -> tuple[Standing, ...]:
    if change.left is None or change.left.settle is not Settle.WITHDRAW:
        return ()
    brought = (order for order in change.standing if order.reason is OrderReason.MODE)
    return tuple(order for order in brought if order.state is OrderState.ISSUED)


def _wanted(facts: Facts, book: Rulebook, *, all_of_it: bool) -> tuple[Demanded, ...]:
    """What the mode now in force asks for; a matter that the case has begun goes on as it is."""
    orders = route(facts, book, reason=OrderReason.MODE).orders
    if facts.case.matter is not None or not all_of_it:
        orders = tuple(replace(order, matter=None) for order in orders if order.step is None)
    if not all_of_it:
        orders = tuple(order for order in orders if order.role is OrderRole.LEAD)
    return tuple(replace(order, sets=_without_mode(order.sets)) for order in orders)


def _without_mode(sets: CaseSettings | None) -> CaseSettings | None:
    """A change of mode enters none, or two rules could change it to and fro."""
    return replace(sets, mode=None) if sets is not None else None


def _wanted_again(order: Standing, wanted: Sequence[Demanded]) -> bool:
    return any(same(order.target, other.target) and order.role is other.role for other in wanted)


def _beside(wanted: Sequence[Demanded], lead: Standing | None) -> tuple[Demanded, ...]:
    """What is asked for when `lead` stands: a lead for want of a better never replaces it."""
    if lead is None:
        return tuple(wanted)
    new = next(order for order in wanted if order.role is OrderRole.LEAD) if wanted else None
    if new is None or _gives_way(lead, new):
        return tuple(wanted)
    others = tuple(order for order in wanted if order is not new and order.step is None)
    if same(lead.target, new.target) or new.reason is not OrderReason.MODE:
        return others
    return (_helping(new, lead), *others)


def _gives_way(lead: Standing, new: Demanded) -> bool:
    decided = lead.reason is OrderReason.RULED
    unsigned = lead.state is OrderState.ISSUED
    return unsigned and not decided and new.reason is OrderReason.MODE and not same(lead.target, new.target)


def _helping(new: Demanded, lead: Standing) -> Demanded:
    """The order of who would lead in this mode beside a `lead` that keeps the case."""
    desk = new.target.kind is TargetKind.DESK
    holder = name_of(lead.target)
    held = (
        Text(zh="由裁定主办", en="leads by a ruling")
        if lead.reason is OrderReason.RULED
        else Text(zh="已签收", en="has signed")
    )
    note = Text(
        zh=f"{holder}{held.zh}，仍为主办；本单为{'督办' if desk else '协办'}",
        en=f"{holder} {held.en} and keeps the lead; this order is to {'oversee' if desk else 'assist'}",
    )
    role = OrderRole.OVERSEE if desk else OrderRole.ASSIST
    return noted(replace(new, role=role, sets=None, matter=None), (note,))


def _said(order: Demanded, why: Text) -> Demanded:
    told = order.explanation
    explanation = replace(told, words=f"{why.zh}：{told.words}"[:2000], words_en=f"{why.en}. {told.words_en}"[:2000])
    return replace(order, explanation=explanation)


def _taken_back(order: Standing, successor: Demanded | None, why: Text, facts: Facts) -> Withdrawal:
    said = Text(zh=f"{why.zh}，未签收的派单撤回", en=f"{why.en}: an order that nobody has signed is withdrawn")
    by = successor if order.role is OrderRole.LEAD else None
    return withdrawal(order, facts.case, by=by, why=said)


def _titled(mode: str, profile: Mode | None) -> Text:
    if profile is not None:
        return profile.title
    return Text(zh="平时", en="normal") if mode == NORMAL else Text(zh=mode, en=mode)
