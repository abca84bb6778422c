"""What is true of a case at every version, whatever was asked of it before."""

from services.intake.domain.life.case import Case
from services.intake.domain.life.states import FOLLOWS, HELD, STANDING
from services.intake.domain.moves.supervising import MOST_OPEN
from shared.events.case import CaseEvent, CaseHandedOver, CaseHung, CasePaused, CaseStepDone
from shared.vocabulary import CASE_ENDED, CaseState, OrderRole, OrderState


def must_hold(case: Case, log: list[CaseEvent]) -> None:
    """What is true of every case at every version."""
    leads = [one for one in case.orders if one.role is OrderRole.LEAD and one.state in STANDING]
    done = [one for one in case.orders if one.role is OrderRole.LEAD and one.state is OrderState.RESOLVED]
    assert case.view.version == len(log)
    assert len(leads) + len(done) <= 1
    assert (case.view.held is not None) == (case.view.state in HELD)
    assert (case.view.state is CaseState.RECEIVED) <= (case.orders == ())
    if case.view.state in HELD:
        assert case.view.lead == (leads[0].target if leads else None)
    elif case.view.state in {CaseState.RECEIVED, CaseState.OPENED, CaseState.RETURNED, CaseState.REFUSED}:
        assert (leads, case.view.lead) == ([], None)
    elif case.view.state in {CaseState.VERIFIED, CaseState.CLOSED}:
        assert len(done) == 1
    else:
        (lead,) = leads or done
        assert FOLLOWS[lead.state] is case.view.state
        assert case.view.lead == lead.target
    if case.view.state in CASE_ENDED:
        assert not any(one.stands for one in case.orders)
        assert case.waiting_extension is None
    assert case.view.held is None or not case.handed_over or _called_later(log), "an emergency does not stand still"
    assert len({one.order_id for one in case.appeals}) == len(case.appeals)
    assert len(case.supervisions) <= MOST_OPEN
    assert (case.closed_at is not None) == (case.view.state is CaseState.CLOSED)
    if case.view.state in {CaseState.RESOLVED, CaseState.VERIFIED, CaseState.CLOSED}:
        assert not any(one.stands and one.is_joint for one in case.orders), "nobody who was called is left behind"
        assert case.asked is None
    returning = [one for one in case.orders if one.state is OrderState.RETURNING]
    assert len(returning) <= 1 or case.view.holder is not None
    for one in returning:
        assert one.role is OrderRole.LEAD
        assert case.view.holder is not None, "whoever gives a case back answers until another has signed"
    steps_hold(case, log)


def _called_later(log: list[CaseEvent]) -> bool:
    """The emergency service was called while the case stood still already."""
    last_hold = max((n for n, one in enumerate(log) if isinstance(one, CasePaused | CaseHung)), default=-1)
    return not any(isinstance(one, CaseHandedOver) for one in log[:last_hold])


def steps_hold(case: Case, log: list[CaseEvent]) -> None:
    """A step is as its last order of this round is, and its end is told once."""
    last = log[-1]
    if isinstance(last, CaseStepDone):
        told = [one for one in log if isinstance(one, CaseStepDone) and one.order_id == last.order_id]
        assert len(told) == 1
    for step in () if case.view.matter is None else case.view.matter.steps:
        own = [one for one in case.orders if one.step == step.id and one.generation == case.view.reopened]
        assert step.order_id in {None, *(one.order_id for one in own[-1:])}
        assert step.state is not OrderState.WITHDRAWN or own[-1].released
