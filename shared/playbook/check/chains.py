"""Chains: steps stand once, come in order, say what their action needs, and fit the limits that name them."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from shared.playbook.check.conditions import Told, told_of
from shared.playbook.check.finding import Finding
from shared.playbook.check.thresholds import comes_after, in_words, is_due, lies_before
from shared.playbook.model import MOST_STEPS, Anchor, Chain, ChainStep, ClockLimit, Playbook
from shared.playbook.near import meant, nearest
from shared.vocabulary import ChainAction, ClockKind, Recipient, WhenLate

UPWARD: Final = frozenset({ChainAction.OVERSEE, ChainAction.TAKE_OVER})
"""Actions that move a case to the next desk up, as `when_late` does."""


def check_chains(playbook: Playbook) -> Iterator[Finding]:
    """Yield what is wrong with each ladder by itself, and with each limit that names one."""
    for name, chain in playbook.chains.items():
        told = told_of("chains", name)
        yield from _steps(chain, told)
        yield from _order(chain, playbook.calendar.working_day_hours, told)
    for index, clock in enumerate(playbook.clocks):
        if clock.chain is not None:
            yield from _named(clock, told_of("clocks", index), playbook)


def _steps(chain: Chain, told: Told) -> Iterator[Finding]:
    if not chain.steps:
        yield told(path=("steps",), problem="nothing in it", allowed=("at least one step",))
    planned = sum(step.times for step in chain.steps)
    if planned > MOST_STEPS:
        problem = f"{planned} steps, each repetition counted"
        yield told(path=("steps",), problem=problem, allowed=(f"up to {MOST_STEPS}",))
    counts = Counter(step.id for step in chain.steps)
    for index, step in enumerate(chain.steps):
        if counts[step.id] > 1:
            yield told(path=("steps", index, "id"), problem=f"step {step.id!r} stands {counts[step.id]} times")
        for field, problem, right in (*_instant(step), *_repeats(step), *_instruction(step), *_recipients(step)):
            yield told(path=("steps", index, field), problem=problem, allowed=(right,))


def _instant(step: ChainStep) -> Iterator[tuple[str, str, str]]:
    """A file cannot leave it open; a record that comes from elsewhere could."""
    at = step.at
    needed = {Anchor.PASSED: at.fraction, Anchor.DAY_END: at.days, Anchor.DUE: 0}.get(at.anchor, at.span)
    if needed is None:
        yield "at", f"{at.anchor} says nothing of when", "passed with a fraction, day_end with days, others with a span"
    elif at.fraction is not None and not 0 < at.fraction < 1:
        yield "at", f"{at.fraction} is no part of a limit", "more than 0 and less than 1"


def _repeats(step: ChainStep) -> Iterator[tuple[str, str, str]]:
    if step.times > 1 and step.every is None:
        yield "every", f"{step.times} times, and no pause between them", "an amount and a unit"
    if step.times == 1 and step.every is not None:
        yield "times", "a pause between repetitions, and no repetition", f"2 to {MOST_STEPS}"


def _instruction(step: ChainStep) -> Iterator[tuple[str, str, str]]:
    supervises = step.action is ChainAction.SUPERVISE
    for field, said in (("instruction", step.instruction), ("reply_within", step.reply_within)):
        if supervises and said is None:
            yield field, f"{step.action} needs it", "an instruction and the time for the reply to it"
        if not supervises and said is not None:
            yield field, f"{step.action} gives no instruction", f"action {ChainAction.SUPERVISE}, or nothing"


def _recipients(step: ChainStep) -> Iterator[tuple[str, str, str]]:
    if step.action in UPWARD and step.to is not Recipient.TARGET:
        yield "to", f"{step.action} goes to the next desk up", "no `to`; `copies` for whoever hears of it too"
    told = step.copies if step.action in {*UPWARD, ChainAction.CIRCULATE} else (step.to, *step.copies)
    twice = [who.value for who, count in Counter(told).items() if count > 1]
    if twice:
        yield "copies", f"{', '.join(twice)} would be told twice", "each once"


def _order(chain: Chain, day_hours: float, told: Told) -> Iterator[Finding]:
    """Only what certainly comes after a later line is out of order: most instants depend on the limit."""
    for index, step in enumerate(chain.steps):
        before = (one for one in chain.steps[:index] if comes_after(one.at, step.at, day_hours=day_hours))
        late = next(before, None)
        if late is not None:
            problem = f"{in_words(step.at)} comes before step {late.id!r}, {in_words(late.at)}"
            yield told(path=("steps", index, "at"), problem=problem, allowed=("steps in the order in which they come",))


def _named(clock: ClockLimit, told: Told, playbook: Playbook) -> Iterator[Finding]:
    """Yield why a limit cannot have the chain that it names."""
    chain = playbook.chains.get(clock.chain or "")
    if chain is None:
        known = playbook.chains
        problem = f"no chain {clock.chain!r}{meant(str(clock.chain), known)}"
        allowed = nearest(str(clock.chain), known) or ("a chain of chains.yaml",)
        yield told(path=("chain",), problem=problem, allowed=allowed, needs=("chains",))
        return
    for step in chain.steps:
        for misfit, instead in _misfits(step, clock, playbook.calendar.working_day_hours):
            said = f"step {step.id!r} of chain {chain.id!r} {misfit}"
            yield told(path=("chain",), problem=said, allowed=(instead,), needs=("chains",))


def _misfits(step: ChainStep, clock: ClockLimit, day_hours: float) -> Iterator[tuple[str, str]]:
    if lies_before(step.at, clock.limit, day_hours=day_hours):
        yield f"would come before the clock starts: {in_words(step.at)}", "passed: a part of the limit, or less time"
    upward = step.action in UPWARD and is_due(step.at, clock.limit, day_hours=day_hours)
    if upward and clock.when_late is not WhenLate.NONE:
        problem = f"moves the case up at the deadline, and so does when_late {clock.when_late.value!r}"
        yield problem, "when_late none, or another instant of the step"
    if step.action is ChainAction.SUPERVISE and clock.kind is ClockKind.SUPERVISE:
        problem = "would answer a late instruction with another instruction, and that one again"
        yield problem, "another action of the step, or no such chain for supervise"
