"""To whom an order is handed on (转办), by the word of a desk."""

from dataclasses import replace

from services.router.domain.above import told_back
from services.router.domain.decision import Decision, demanded, explained
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from services.router.domain.standing import ROLE_WORDS, fitted, name_of, same, spares, withdrawal, without
from services.router.domain.targets import Choice
from shared.events.case import CaseTransferred
from shared.events.parts import Target
from shared.playbook.model import Text
from shared.vocabulary import OrderReason, TargetKind


def transfer(handed: CaseTransferred, facts: Facts, book: Rulebook) -> Decision:
    """Return the order for the new target, in the role, step and whistle of the old one, which is withdrawn.

    Refused are a target that this playbook does not know, or that has such an order already: then the old order
    stays, and the desk that asked hears why. Whether somebody who gave the case back may have it again intake
    has judged: it alone knows what has been ruled.
    """
    choice = named(handed.to, book)
    why_not = _why_not(handed, choice)
    if choice is None or why_not is not None:
        words = _refused(handed, why_not or _unknown(handed.to))
        return told_back(words, by=handed.by, standing=handed.standing, facts=facts, book=book)
    old = handed.order
    explanation = explained(_handed(handed, choice), playbook=book.ref)
    order = demanded(choice, old.role, reason=OrderReason.TRANSFERRED, explanation=explanation)
    order = replace(order, step=old.step, whistle=old.whistle)
    fit = fitted((order,), without(old, handed.standing), facts.case)
    taken = withdrawal(old, facts.case, by=fit.orders[0], why=_taken(handed, choice))
    return Decision(orders=fit.orders, withdrawals=(taken, *fit.withdrawals))


def named(target: Target, book: Rulebook) -> Choice | None:
    """Return the desk or department as this playbook has it; None when it has it not."""
    if target.kind is TargetKind.DESK:
        area = book.playbook.areas.get(target.id)
        return book.directory.desk(area) if area is not None and area.desk else None
    department = book.playbook.departments.get(target.id)
    if department is None:
        return None
    asked = Target(kind=TargetKind.DEPARTMENT, id=department.id, name=department.name.zh[:120])
    return Choice(target=asked, level=department.level, why=department.name)


def _why_not(handed: CaseTransferred, choice: Choice | None) -> Text | None:
    if choice is None:
        return _unknown(handed.to)
    name = choice.why
    if same(choice.target, handed.order.target):
        return Text(zh=f"本单已由{name.zh}承办", en=f"{name.en} holds this very order")
    role = handed.order.role
    if handed.order.step is None and spares(choice.target, role, without(handed.order, handed.standing)) is not None:
        return Text(zh=f"{name.zh}已有本事件派单", en=f"{name.en} has an order of this case already")
    return None


def _unknown(target: Target) -> Text:
    return Text(zh=f"预案中没有「{name_of(target)}」", en=f"the playbook knows no '{target.id}'")


def _refused(handed: CaseTransferred, why: Text) -> Text:
    holder = name_of(handed.order.target)
    return Text(
        zh=f"不能转办：{why.zh}。原单仍由{holder}承办。请另行转办或提请裁定。",
        en=f"It cannot be handed on: {why.en}. The order stays with {holder}. Name somebody else, or ask for a ruling.",
    )


def _handed(handed: CaseTransferred, choice: Choice) -> Text:
    by, role = handed.by.name or handed.by.id, ROLE_WORDS[handed.order.role]
    holder = name_of(handed.order.target)
    return Text(
        zh=f"{by}将{holder}的派单转办：{handed.reason}。由{choice.why.zh}{role.zh}。",
        en=f"{by} hands it on from {holder}: {handed.reason}. {choice.why.en} {role.en}.",
    )


def _taken(handed: CaseTransferred, choice: Choice) -> Text:
    return Text(zh=f"已转办{choice.why.zh}：{handed.reason}", en=f"handed on to {choice.why.en}: {handed.reason}")
