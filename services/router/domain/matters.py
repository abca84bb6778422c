"""A case run as one matter (一件事): its steps, and which of them open when others are done."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from services.router.domain.decision import Decision, Demanded, demanded, explained
from services.router.domain.facts import Facts
from services.router.domain.issuing import step_order_id
from services.router.domain.rulebook import Rulebook
from services.router.domain.standing import fitted
from services.router.domain.targets import Choice
from shared.events.case import CaseStepDone
from shared.events.parts import MatterView, StepView
from shared.playbook.model import Matter, Step, Text
from shared.vocabulary import OrderReason, OrderRole, OrderState

FINISHED: Final = frozenset({OrderState.RESOLVED, OrderState.WITHDRAWN})
"""States of a step's order for which others wait no longer: done, or its target was released."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A matter as it begins: the view that goes with the lead's order, and the orders of its first steps."""

    view: MatterView
    orders: tuple[Demanded, ...]


def opened(matter_id: str, facts: Facts, book: Rulebook) -> Opened | None:
    """Return the matter with every step that waits for none asked for; None when this playbook has no such matter."""
    matter = book.playbook.matters.get(matter_id)
    if matter is None:
        return None
    steps = tuple(StepView(id=step.id, title=step.title.zh, after=step.after) for step in matter.steps)
    view = MatterView(id=matter.id, title=matter.title.zh, steps=steps)
    orders = tuple(_order(step, view, facts, book) for step in steps if not step.after)
    asked = {order.step: order for order in orders}
    began = tuple(_asked(step, asked.get(step.id), facts) for step in steps)
    return Opened(view=replace(view, steps=began), orders=orders)


def open_steps(done: CaseStepDone, facts: Facts, book: Rulebook) -> Decision:
    """Return an order for each step that waited for none but finished ones.

    A case that is run as no matter, or whose matter has nothing left to open, gets none.
    """
    matter = facts.case.matter
    if matter is None:
        return Decision()
    ready = open_now(matter, just=done.step)
    return fitted([_order(step, matter, facts, book) for step in ready], done.standing, facts.case).decided()


def open_now(matter: MatterView, *, just: str) -> tuple[StepView, ...]:
    """Return the steps not asked for yet whose `after` are all done or released; step `just` counts as such."""
    finished = {step.id for step in matter.steps if step.state in FINISHED} | {just}
    waiting = (step for step in matter.steps if step.state is None and step.id not in finished)
    return tuple(step for step in waiting if finished.issuperset(step.after))


def step_choices(step_id: str, facts: Facts, book: Rulebook) -> Iterable[Choice]:
    """Yield whom the playbook names for a step of the case's matter; nobody when it knows the step no more."""
    step = _known(step_id, facts.case.matter, book)
    return () if step is None else book.directory.choices(step.target, facts)


def _order(step: StepView, matter: MatterView, facts: Facts, book: Rulebook) -> Demanded:
    known = _known(step.id, matter, book)
    choice = None if known is None else next(iter(book.directory.choices(known.target, facts)), None)
    chosen = choice or book.directory.duty_desk(facts)
    words = _words(step, matter, chosen, book)
    if choice is None:
        words = _by_nobody(words)
    explanation = explained(words, playbook=book.ref)
    order = demanded(chosen, OrderRole.ASSIST, reason=OrderReason.STEP, explanation=explanation)
    return replace(order, step=step.id)


def _known(step_id: str, matter: MatterView | None, book: Rulebook) -> Step | None:
    planned = None if matter is None else book.playbook.matters.get(matter.id)
    return next((step for step in planned.steps if step.id == step_id), None) if planned is not None else None


def _asked(step: StepView, order: Demanded | None, facts: Facts) -> StepView:
    if order is None:
        return step
    order_id = step_order_id(facts.case, step.id)
    return replace(step, state=OrderState.ISSUED, order_id=order_id, target=order.target)


def _words(step: StepView, matter: MatterView, chosen: Choice, book: Rulebook) -> Text:
    planned, known = book.playbook.matters.get(matter.id), _known(step.id, matter, book)
    title_en = planned.title.en if planned is not None else matter.title
    step_en = known.title.en if known is not None else step.title
    waited = _waited(step, matter, planned)
    return Text(
        zh=f"一件事「{matter.title}」步骤「{step.title}」{waited.zh}：{chosen.why.zh}。",
        en=f"Matter '{title_en}', step '{step_en}', {waited.en}: {chosen.why.en}.",
    )


def _waited(step: StepView, matter: MatterView, planned: Matter | None) -> Text:
    if not step.after:
        return Text(zh="无须等待，立即开始", en="which waits for no other")
    zh = {other.id: other.title for other in matter.steps}
    en = {other.id: other.title.en for other in planned.steps} if planned is not None else zh
    before = "、".join(f"「{zh.get(other, other)}」" for other in step.after)
    before_en = ", ".join(f"'{en.get(other, other)}'" for other in step.after)
    return Text(zh=f"所等{before}已办结或解除，现在开始", en=f"begins: {before_en} done or released")


def _by_nobody(words: Text) -> Text:
    return Text(
        zh=f"{words.zh}预案为该步骤指定的对象无人可派，由值班平台协调。",
        en=f"{words.en} Nobody whom the playbook names for it is left to ask: the duty desk sees to it.",
    )
