"""When a case's own state says that nobody is to be asked, whatever the event would lead to otherwise."""

from enum import StrEnum, unique
from typing import Final

from shared.events.case import CaseModeChanged, CaseOpened
from shared.events.parts import CaseView
from shared.events.sla import ClockEscalated
from shared.vocabulary import CASE_ENDED, CaseState, OrderRole

HELD: Final = frozenset({CaseState.PAUSED, CaseState.HUNG})


@unique
class Left(StrEnum):
    """Why a case is left as it is."""

    UNFILED = "unfiled"
    """It waits for a person to file or to refuse it; filed, it comes again (``CaseFiled``)."""
    HELD = "held"
    """It stands still; what it has goes on when it is resumed."""
    ENDED = "ended"
    """It was closed, refused or merged before the event came."""
    LEADS = "leads"
    """The desk that is to watch over it leads it already."""


def left_alone(happened: object) -> Left | None:
    """Say why nobody is asked because of ``happened``; None when its answer is to be found.

    A clock that was late, or a mode that changed, for a case that somebody has ended or held meanwhile asks
    nobody. While a case is paused its assistants go on, and so do their clocks: those move up.
    """
    match happened:
        case CaseOpened(case=CaseView(state=CaseState.RECEIVED)):
            return Left.UNFILED
        case ClockEscalated(case=case) as late:
            assists = late.clock.order_role not in (OrderRole.LEAD, None)
            return None if case.state is CaseState.PAUSED and assists else _by_state(case, *CASE_ENDED)
        case CaseModeChanged(case=case):
            # What a mode brought to a case that has ended since is settled by the mode's own rule.
            return _by_state(case)
        case _:
            return None


def _by_state(case: CaseView, *ended: CaseState) -> Left | None:
    if case.state is CaseState.RECEIVED:
        return Left.UNFILED
    if case.state in HELD:
        return Left.HELD
    return Left.ENDED if case.state in ended else None
