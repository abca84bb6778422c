"""Who stands above, and who hears of it when a word cannot be followed."""

from collections.abc import Iterator, Sequence
from typing import Final

from services.router.domain.decision import Decision, demanded, explained
from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from services.router.domain.standing import held_by, withdrawal
from services.router.domain.targets import Choice
from shared.events.parts import Actor, Standing, Target
from shared.playbook.above import desk_above
from shared.playbook.model import Text
from shared.vocabulary import ActorKind, Level, OrderReason, OrderRole, TargetKind, level_of

_TOLD_ANEW: Final = Text(zh="情况有变，重新告知", en="told anew, for something has changed")


def desks_above(target: Target, facts: Facts, book: Rulebook) -> Iterator[Choice]:
    """Yield the desks above `target`, next first: at most one a level, whatever the playbook says."""
    here, level = target, level_of_target(target, facts, book)
    for _ in Level:
        area = desk_above(book.playbook, here, level=level, area=facts.case.area)
        if area is None:
            return
        choice = book.directory.desk(area)
        yield choice
        here, level = choice.target, choice.level


def level_of_target(target: Target, facts: Facts, book: Rulebook) -> Level:
    """Return the level of `target`; of one that this playbook does not know the best guess."""
    known = book.directory.level_of(target)
    if known is not None:
        return known
    # A department or desk of an older playbook: its case's own level is the best that is known.
    return level_of(target.id) if target.kind is TargetKind.DESK else facts.case.level


def county_desk(book: Rulebook) -> Choice:
    """Return the desk above which nobody stands."""
    return book.directory.desk(book.playbook.areas[book.playbook.county])


def told_back(words: Text, *, by: Actor, standing: Sequence[Standing], facts: Facts, book: Rulebook) -> Decision:
    """Tell the desk that asked, or the next above that does no work on the case itself, why its word was not followed.

    That desk oversees the case from then on and is to rule (裁定); what it oversaw before is told anew. All
    other orders stay. When every desk up to the county's works on the case itself nobody is asked anything:
    `unsaid` tells it.
    """
    explanation = explained(words, playbook=book.ref)
    for choice in _hearing(by, facts, book):
        held = held_by(choice.target, standing)
        if all(order.role is OrderRole.OVERSEE for order in held):
            order = demanded(choice, OrderRole.OVERSEE, reason=OrderReason.RULING, explanation=explanation)
            renewed = tuple(withdrawal(old, facts.case, by=order, why=_TOLD_ANEW) for old in held)
            return Decision(orders=(order,), withdrawals=renewed)
    return Decision(unsaid=words)


def _hearing(by: Actor, facts: Facts, book: Rulebook) -> Iterator[Choice]:
    """Yield the desk of `by`, for somebody without a desk the case's own, and those above."""
    area = book.playbook.areas.get(by.id) if by.kind is ActorKind.DESK else None
    own = area or book.playbook.desk_area(facts.case.area, at_least=facts.case.level)
    desk = book.directory.desk(own)
    yield desk
    yield from desks_above(desk.target, facts, book)
