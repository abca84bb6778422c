"""Where an order that was given back (退单) goes on to."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from services.router.domain.above import county_desk, desks_above
from services.router.domain.decision import Decision, demanded, explained
from services.router.domain.facts import Facts
from services.router.domain.matters import step_choices
from services.router.domain.rulebook import Rulebook
from services.router.domain.standing import DONE, fitted, held_by, name_of, spares
from services.router.domain.targets import Choice
from shared.events.case import CaseReturned
from shared.events.parts import Standing
from shared.playbook.model import DutyTarget, Power, Target, Text
from shared.vocabulary import OrderReason, OrderRole


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contested:
    """Departments whose duty it is alike."""

    by: tuple[Choice, ...]


def reroute(returned: CaseReturned, facts: Facts, book: Rulebook) -> Decision:
    """Return the order that replaces one given back (退单), in the same role, step and whistle.

    Routing goes on to whoever else the rules or the duty list name, never to one who returned it; where the
    duty to lead is then contested, the desk above rules whose it is (裁定). When nobody else is left, or the
    county's allowance of returns is used up, the desk above decides for good (终审): a lead's order is then
    one to rule. Above the county nobody stands: its own desk keeps the case. Whoever stands in the role
    already is not asked for it again; if that leaves nobody for an assistant's order, the case goes on with
    those whom it has. For a case that is done nobody else is asked.
    """
    if facts.case.state in DONE:
        return Decision(unsaid=_done(returned))
    decision = _rerouted(returned, facts.refused_also_by(returned.target), book)
    profile = _clock_profile(returned, facts, book)
    return replace(decision, orders=tuple(replace(order, clock_profile=profile) for order in decision.orders))


def _rerouted(returned: CaseReturned, facts: Facts, book: Rulebook) -> Decision:
    standing = _beside(returned)
    tired = len(facts.case.returns) > book.playbook.policy.returns_allowed
    found = None if tired else _next(returned, standing, facts, book)
    if isinstance(found, Choice):
        return _again(returned, found, _passed_on(returned, found), book)
    if found is not None:
        desk = book.directory.ruling_desk(found.by, facts)
        return _again(returned, desk, _disputed(returned, found, desk), book, reason=OrderReason.RULING)
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


def _next(
    returned: CaseReturned, standing: Sequence[Standing], facts: Facts, book: Rulebook
) -> Choice | _Contested | None:
    """Who else is to take the role; or who contest it; None when nobody is left."""
    for choices in _others(returned, facts, book):
        if isinstance(choices, _Contested):
            return choices
        choice = next(_free(choices, returned, standing), None)
        if choice is not None:
            return choice
    return None


def _others(returned: CaseReturned, facts: Facts, book: Rulebook) -> Iterator[Iterable[Choice] | _Contested]:
    """Yield who may take the role: for a step whom the matter names; by the rules that hold; by the duty list."""
    step = _step(returned)
    if step is not None:
        yield step_choices(step, facts, book)
    asked: list[Target] = [] if step is not None else _asked(returned, facts, book)
    helps = returned.order_role is OrderRole.ASSIST and step is None
    for target in (*asked, DutyTarget(power=Power.ASSIST if helps else None)):
        contested = book.directory.contested(target, facts) if returned.order_role is OrderRole.LEAD else ()
        yield _Contested(by=contested) if contested else book.directory.choices(target, facts)


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


def _clock_profile(returned: CaseReturned, facts: Facts, book: Rulebook) -> str | None:
    """The clock profile of the first rule that asks for the role: who takes it over has the same time."""
    for match in book.walk(facts).matches:
        if any(demand.role is returned.order_role for demand in match.rule.demands):
            return match.rule.sets.clock_profile
    return None


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


def _disputed(returned: CaseReturned, contested: _Contested, desk: Choice) -> Text:
    name = name_of(returned.target)
    names = "、".join(name_of(choice.target) for choice in contested.by)
    ids = ", ".join(choice.target.id for choice in contested.by)
    return Text(
        zh=f"{name}退单（{returned.reason}），{names}的权责同样接近，由{desk.why.zh}裁定。",
        en=f"{name} returned it ({returned.reason}); the duty of {ids} is equally close: "
        f"{desk.why.en} rules whose it is.",
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


def _done(returned: CaseReturned) -> Text:
    name = name_of(returned.target)
    return Text(
        zh=f"{name}退单（{returned.reason}），案件已办结，不再另派",
        en=f"{name} returned it ({returned.reason}); the case is done, nobody else is asked",
    )
