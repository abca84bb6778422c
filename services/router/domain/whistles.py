"""Who answers a whistle (吹哨): each department by an order of its own, whatever the others do."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import Final

from services.router.domain.above import told_back
from services.router.domain.decision import Decision, Demanded, demanded, explained
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from services.router.domain.standing import AT_WORK, ROLE_WORDS, fitted, leading, name_of, same, withdrawal
from services.router.domain.targets import Choice
from shared.events.case import CaseReleased, CaseWhistled
from shared.events.parts import Target
from shared.playbook.model import Department, Duty, EnforcementItem, Playbook, Text
from shared.vocabulary import OrderReason, OrderRole, OrderState, TargetKind, WhistleKind, covers

KIND_WORDS: Final = {
    WhistleKind.JOINT_ENFORCEMENT: Text(zh="综合执法哨", en="joint enforcement"),
    WhistleKind.KEY_WORK: Text(zh="重点工作哨", en="key work"),
    WhistleKind.EMERGENCY: Text(zh="应急处置哨", en="an emergency"),
}
TAKEN_ON: Final = AT_WORK - {OrderState.ISSUED}
"""States of an order whose target has signed it."""


def whistle(sounded: CaseWhistled, facts: Facts, book: Rulebook) -> Decision:
    """Return an order for each department that can be called: the one named lead leads, the others assist.

    Not called, and the others' orders say why: a department that this playbook does not know, that answers
    for nothing there, that gave the case back before, or that has an order already. With nobody left the desk
    that whistled hears of it. Whoever led before gives way to a new lead; having signed, they stay on: a
    department assists, a desk oversees (首接负责).
    """
    judged = [_judged(name, facts, book) for name in _named(sounded)]
    skipped = tuple(one for one in judged if isinstance(one, Text))
    orders = [_order(sounded, choice, book) for choice in judged if isinstance(choice, Choice)]
    # The lead first: what it takes the place of is settled before the others are looked at.
    orders.sort(key=lambda order: order.role is not OrderRole.LEAD)
    fit = fitted(orders, sounded.standing, facts.case)
    if not fit.orders:
        words = _nobody(sounded, (*skipped, *fit.spared))
        told = told_back(words, by=sounded.by, standing=sounded.standing, facts=facts, book=book)
        return replace(told, orders=tuple(replace(order, whistle=sounded.whistle) for order in told.orders))
    stays = tuple(_stays_on(sounded, fit.orders, book))
    decision = fit.decided(*skipped)
    return Decision(orders=(*decision.orders, *stays), withdrawals=decision.withdrawals)


def release(released: CaseReleased) -> Decision:
    """Take back the order that a desk let go (解除)."""
    by = released.by.name or released.by.id
    why = Text(zh=f"{by}解除：{released.reason}", en=f"{by} released it: {released.reason}")
    return Decision(withdrawals=(withdrawal(released.order, released.case, why=why),))


def _named(sounded: CaseWhistled) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*sounded.departments, *([sounded.lead] if sounded.lead else []))))


def _judged(name: str, facts: Facts, book: Rulebook) -> Choice | Text:
    """The department as a choice; or in words why it is not called."""
    department = book.playbook.departments.get(name)
    if department is None:
        return Text(zh=f"预案中没有部门「{name}」，未派", en=f"the playbook knows no department '{name}': not called")
    choice = _choice(department)
    if facts.refused_by(choice.target):
        return Text(
            zh=f"{department.name.zh}此前已退单，未经裁定不再派",
            en=f"{department.name.en} gave the case back before: not called without a ruling",
        )
    if not _answers_there(department, facts.case.area, book.playbook):
        return Text(
            zh=f"{department.name.zh}在该区域没有职责，未派",
            en=f"{department.name.en} answers for nothing in that area: not called",
        )
    return choice


def _choice(department: Department) -> Choice:
    target = Target(kind=TargetKind.DEPARTMENT, id=department.id, name=department.name.zh[:120])
    return Choice(target=target, level=department.level, why=department.name)


def _answers_there(department: Department, area: str, playbook: Playbook) -> bool:
    """Whether it sits over `area` or inside it, or a duty or an item of enforcement takes it there."""
    if _meet(department.area, area):
        return True
    rows: Iterator[Duty | EnforcementItem] = chain(playbook.duties, playbook.enforcement)
    return any(row.department == department.id and _meet(row.area, area) for row in rows)


def _meet(one: str, other: str) -> bool:
    return covers(one, other) or covers(other, one)


def _order(sounded: CaseWhistled, choice: Choice, book: Rulebook) -> Demanded:
    role = OrderRole.LEAD if choice.target.id == sounded.lead else OrderRole.ASSIST
    kind, by = KIND_WORDS[sounded.whistle.kind], sounded.by.name or sounded.by.id
    words = Text(
        zh=f"{by}吹哨（{kind.zh}）：{sounded.reason}。请{choice.why.zh}报到{ROLE_WORDS[role].zh}。",
        en=f"{by} whistled for {kind.en}: {sounded.reason}. {choice.why.en} reports in and {ROLE_WORDS[role].en}.",
    )
    order = demanded(choice, role, reason=OrderReason.WHISTLE, explanation=explained(words, playbook=book.ref))
    return replace(order, whistle=sounded.whistle)


def _stays_on(sounded: CaseWhistled, orders: Sequence[Demanded], book: Rulebook) -> Iterator[Demanded]:
    """Yield what is asked of whoever led and had signed when another now leads."""
    lead = next((order for order in orders if order.role is OrderRole.LEAD), None)
    before = leading(sounded.standing)
    if lead is None or before is None or before.state not in TAKEN_ON:
        return
    if any(same(before.target, order.target) for order in orders):
        return
    desk = before.target.kind is TargetKind.DESK
    role = OrderRole.OVERSEE if desk else OrderRole.ASSIST
    was, now = name_of(before.target), name_of(lead.target)
    words = Text(
        zh=f"吹哨后由{now}主办；{was}此前已签收，转为{ROLE_WORDS[role].zh}。",
        en=f"After the whistle {now} leads; {was} had signed and {ROLE_WORDS[role].en} from now on.",
    )
    choice = Choice(target=before.target, level=before.level, why=words)
    order = demanded(choice, role, reason=OrderReason.WHISTLE, explanation=explained(words, playbook=book.ref))
    # A desk that oversees need not report in: the whistle does not wait for it.
    yield order if desk else replace(order, whistle=sounded.whistle)


def _nobody(sounded: CaseWhistled, why: Sequence[Text]) -> Text:
    zh, en = "；".join(text.zh for text in why), "; ".join(text.en for text in why)
    return Text(
        zh=f"吹哨（{KIND_WORDS[sounded.whistle.kind].zh}：{sounded.reason}）没有叫到部门：{zh}。请改派或提请裁定。",
        en=f"The whistle for {KIND_WORDS[sounded.whistle.kind].en} ({sounded.reason}) called nobody: {en}. "
        "Whistle for others, or ask for a ruling.",
    )
