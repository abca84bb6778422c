"""What the router answers to each event that calls for orders."""

from dataclasses import replace
from typing import Final, TypeAlias, assert_never

from services.router.domain.decision import Decision, Demanded
from services.router.domain.facts import Facts
from services.router.domain.left import left_alone
from services.router.domain.matters import open_steps
from services.router.domain.modes import change_mode
from services.router.domain.moving import move_up
from services.router.domain.returns import reroute
from services.router.domain.routing import route
from services.router.domain.rulebook import Rulebook
from services.router.domain.rulings import rule
from services.router.domain.transfers import transfer
from services.router.domain.whistles import release, whistle
from shared.events.case import (
    CaseFiled,
    CaseModeChanged,
    CaseOpened,
    CaseReleased,
    CaseReopened,
    CaseReturned,
    CaseRuled,
    CaseStepDone,
    CaseTransferred,
    CaseWhistled,
)
from shared.events.sla import ClockEscalated
from shared.vocabulary import OrderReason

Answered: TypeAlias = (
    CaseOpened
    | CaseFiled
    | CaseReopened
    | CaseReturned
    | CaseWhistled
    | CaseReleased
    | CaseTransferred
    | CaseRuled
    | CaseStepDone
    | CaseModeChanged
    | ClockEscalated
)
"""The events that lead to orders."""

WITH_TEXT: Final = (CaseOpened, CaseFiled, CaseReopened, CaseReturned, CaseModeChanged)
"""Those that may walk the rules, and so carry the report's masked text."""


def answer(happened: Answered, facts: Facts, book: Rulebook) -> Decision:
    """Return what is asked of whom because of `happened`, of which `facts` are the facts, and who is on duty there.

    A case that a person filed is answered as one just opened; one named anew (`CaseRecategorised`) is not
    answered at all: its orders stand, and whoever has the wrong one returns it or hands it on.
    """
    left = left_alone(happened)
    if left is not None:
        return Decision(left=left)
    return _staffed(_decided(happened, facts, book), facts, book)


def text_of(happened: Answered) -> str:
    """Return the report's masked text, as far as the event carries it."""
    return happened.text if isinstance(happened, WITH_TEXT) else ""


def _decided(happened: Answered, facts: Facts, book: Rulebook) -> Decision:
    match happened:
        case CaseOpened() | CaseFiled():
            return route(facts, book)
        case CaseReopened():
            return route(facts, book, reason=OrderReason.REOPENED)
        case CaseReturned():
            return reroute(happened, facts, book)
        case ClockEscalated():
            return move_up(happened, facts, book)
        case CaseModeChanged():
            return change_mode(happened, facts, book)
        case CaseStepDone():
            return open_steps(happened, facts, book)
        case _:
            return _by_word(happened, facts, book)


def _by_word(
    happened: CaseWhistled | CaseReleased | CaseTransferred | CaseRuled, facts: Facts, book: Rulebook
) -> Decision:
    """What a desk's own word leads to."""
    match happened:
        case CaseWhistled():
            return whistle(happened, facts, book)
        case CaseReleased():
            return release(happened)
        case CaseTransferred():
            return transfer(happened, facts, book)
        case CaseRuled():
            return rule(happened, facts, book)
        case _:
            assert_never(happened)


def _staffed(decision: Decision, facts: Facts, book: Rulebook) -> Decision:
    return replace(decision, orders=tuple(_with_officers(order, facts, book) for order in decision.orders))


def _with_officers(order: Demanded, facts: Facts, book: Rulebook) -> Demanded:
    officers = () if order.on_duty else book.directory.roster.on_duty(order.target, facts)
    return replace(order, on_duty=officers) if officers else order
