"""Why here, and why not there: a case put to the rules, with all that was tried."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from services.router.domain.decision import Demanded
from services.router.domain.facts import Facts
from services.router.domain.routing import route
from services.router.domain.rulebook import Rulebook
from services.router.domain.walk import Compiled, Walk
from shared.events.order import Condition, NearMiss, ShadowMatch
from shared.events.parts import PlaybookRef, Target
from shared.playbook.model import Rule, RuleState
from shared.vocabulary import Level, OrderReason, OrderRole


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One rule as the walk came to it: every condition with its value, and whether they all held.

    `place` counts the rules of the playbook from 0. `in_force` says whether its dates hold that day;
    `ended` that the walk ended with it, `reached` that it came so far.
    """

    place: int
    rule_id: str
    title: str
    title_en: str
    state: RuleState
    in_force: bool
    held: bool
    ended: bool
    reached: bool
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One order that the case would get, and why."""

    role: OrderRole
    reason: OrderReason
    target: Target
    level: Level
    words: str
    words_en: str
    rule_id: str | None
    step: str | None
    on_duty: tuple[str, ...]
    clock_profile: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the rules make of a case; `walk` are the rules asked for, in order, `next` where they go on."""

    playbook: PlaybookRef
    orders: tuple[Asked, ...]
    walk: tuple[Tried, ...]
    near_misses: tuple[NearMiss, ...]
    shadows: tuple[ShadowMatch, ...]
    unrouted: bool
    next: int | None = None


def ask(facts: Facts, book: Rulebook) -> Answer:
    """Return the orders of a case and the matching path: the rules that held, those in shadow among them."""
    walk = book.walk(facts)
    held = {match.rule.id for match in (*walk.matches, *walk.shadows)}
    path = (one for one in enumerate(book.playbook.rules) if one[1].id in held)
    return _answer(facts, book, walk, tuple(_tried(path, walk, facts, book)))


def ask_all(facts: Facts, book: Rulebook, *, start: int, count: int) -> Answer:
    """Return the same, but of every rule from place `start` on, `count` of them: what held and what did not."""
    walk = book.walk(facts)
    rules = book.playbook.rules
    part = tuple(_tried(islice(enumerate(rules), start, start + count), walk, facts, book))
    after = start + count
    return _answer(facts, book, walk, part, goes_on=after if after < len(rules) else None)


def _answer(
    facts: Facts, book: Rulebook, walk: Walk, tried: tuple[Tried, ...], *, goes_on: int | None = None
) -> Answer:
    orders = route(facts, book).orders
    told = (order.explanation.shadows for order in orders if order.explanation.shadows)
    return Answer(
        playbook=book.ref,
        orders=tuple(map(_asked, orders)),
        walk=tried,
        near_misses=walk.near_misses,
        shadows=next(told, ()),
        unrouted=any(order.reason is OrderReason.UNROUTED for order in orders),
        next=goes_on,
    )


def _asked(order: Demanded) -> Asked:
    told = order.explanation
    return Asked(
        role=order.role,
        reason=order.reason,
        target=order.target,
        level=order.level,
        words=told.words,
        words_en=told.words_en,
        rule_id=told.rule_id,
        step=order.step,
        on_duty=order.on_duty,
        clock_profile=order.clock_profile,
    )


def _tried(rules: Iterable[tuple[int, Rule]], walk: Walk, facts: Facts, book: Rulebook) -> Iterator[Tried]:
    compiled = {one.order: one for one in book.rules}
    last = walk.matches[-1].rule if walk.matches else None
    ended = last if last is not None and not last.goes_on else None
    end = next((place for place, rule in enumerate(book.playbook.rules) if rule is ended), None)
    day = book.senses.almanac.local_day(facts.at)
    for place, rule in rules:
        conditions = _conditions(compiled.get(place), facts)
        in_force = rule.in_force_on(day)
        acts = rule.state is not RuleState.OFF
        yield Tried(
            place=place,
            rule_id=rule.id,
            title=rule.title.zh,
            title_en=rule.title.en,
            state=rule.state,
            in_force=in_force,
            held=acts and in_force and all(condition.held for condition in conditions),
            ended=place == end,
            reached=end is None or place <= end,
            conditions=conditions,
        )


def _conditions(compiled: Compiled | None, facts: Facts) -> tuple[Condition, ...]:
    """Each condition of a rule with its value; of one that is off there are none, for it asks nothing."""
    if compiled is None:
        return ()
    return tuple(criterion.told(facts, held=criterion.holds(facts)) for criterion in compiled.criteria)
