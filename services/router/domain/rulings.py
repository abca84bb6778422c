"""Who leads by the word of the level above (裁定)."""

from services.router.domain.above import told_back
from services.router.domain.decision import Decision, demanded, explained
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from services.router.domain.standing import fitted, leading, name_of, withdrawal, without
from services.router.domain.targets import Choice
from services.router.domain.transfers import named
from shared.events.case import CaseRuled
from shared.playbook.model import Text
from shared.vocabulary import OrderReason, OrderRole


def rule(ruled: CaseRuled, facts: Facts, book: Rulebook) -> Decision:
    """Return the lead's order for whom the level above named, even if they gave the case back; whoever led is relieved.

    Who leads already gets the order anew: a ruled one cannot be given back. A target that this playbook does
    not know gets nothing: all orders stay, and the desk that ruled hears why.
    """
    choice = named(ruled.to, book)
    if choice is None:
        return told_back(_unknown(ruled), by=ruled.by, standing=ruled.standing, facts=facts, book=book)
    explanation = explained(_words(ruled, choice), playbook=book.ref)
    order = demanded(choice, OrderRole.LEAD, reason=OrderReason.RULED, explanation=explanation)
    before = leading((*ruled.standing, *([ruled.order] if ruled.order is not None else ())))
    beside = ruled.standing if before is None else without(before, ruled.standing)
    fit = fitted((order,), beside, facts.case)
    relieved = (
        () if before is None else (withdrawal(before, facts.case, by=fit.orders[0], why=_relieved(ruled, choice)),)
    )
    return Decision(orders=fit.orders, withdrawals=(*relieved, *fit.withdrawals))


def _words(ruled: CaseRuled, choice: Choice) -> Text:
    by = ruled.by.name or ruled.by.id
    return Text(
        zh=f"{by}裁定由{choice.why.zh}主办：{ruled.reason}。裁定后不得退单。",
        en=f"{by} ruled that {choice.why.en} leads: {ruled.reason}. An order by a ruling cannot be returned.",
    )


def _relieved(ruled: CaseRuled, choice: Choice) -> Text:
    return Text(zh=f"裁定由{choice.why.zh}主办：{ruled.reason}", en=f"ruled that {choice.why.en} leads: {ruled.reason}")


def _unknown(ruled: CaseRuled) -> Text:
    return Text(
        zh=f"裁定未能执行：预案中没有「{name_of(ruled.to)}」，原有派单不变。请另行裁定。",
        en=f"The ruling cannot be followed: the playbook knows no '{ruled.to.id}'. All orders stay. Rule anew.",
    )
