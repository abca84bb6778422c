"""`chains.yaml`: the ladders that limits of `clocks.csv` name (升级链)."""

from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator

from shared.playbook import model
from shared.playbook.files.rows import Bilingual, Row, Slug, refused
from shared.playbook.model import MOST_STEPS, Anchor, LimitUnit
from shared.vocabulary import ChainAction, Recipient

LONGEST_DAYS = 366
"""Days after a clock's start that a step may name."""
DUE: TypeAlias = Literal["due"]
UPWARD = frozenset({ChainAction.OVERSEE, ChainAction.TAKE_OVER})
EVERYBODY = frozenset({ChainAction.CIRCULATE})


class LimitNode(Row):
    """An amount of time in one unit, such as `{amount: 2, unit: working_hour}`."""

    amount: Annotated[float, Field(gt=0, le=10_000)]
    unit: LimitUnit

    def value(self) -> model.Limit:
        return model.Limit(amount=self.amount, unit=self.unit)


class PassedNode(Row):
    """At a part of the limit."""

    passed: Annotated[float, Field(gt=0, lt=1)]
    """0.8 is when four fifths of the limit have passed."""

    def value(self) -> model.Threshold:
        return model.Threshold(anchor=Anchor.PASSED, fraction=self.passed)


class BeforeNode(Row):
    """So long before the deadline."""

    before: LimitNode

    def value(self) -> model.Threshold:
        return model.Threshold(anchor=Anchor.BEFORE, span=self.before.value())


class AfterNode(Row):
    """So long after the deadline."""

    after: LimitNode

    def value(self) -> model.Threshold:
        return model.Threshold(anchor=Anchor.AFTER, span=self.after.value())


class SinceNode(Row):
    """So long after the clock's start, whatever its limit."""

    since: LimitNode

    def value(self) -> model.Threshold:
        return model.Threshold(anchor=Anchor.SINCE, span=self.since.value())


class DayEndNode(Row):
    """At the end of the local day so many days after the clock's start."""

    day_end: Annotated[int, Field(ge=0, le=LONGEST_DAYS)]
    """0 is the day of the start itself (当日)."""

    def value(self) -> model.Threshold:
        return model.Threshold(anchor=Anchor.DAY_END, days=self.day_end)


KINDS: dict[str, type[PassedNode | BeforeNode | AfterNode | SinceNode | DayEndNode]] = {
    "passed": PassedNode,
    "before": BeforeNode,
    "after": AfterNode,
    "since": SinceNode,
    "day_end": DayEndNode,
}
ALLOWED = (
    "due, {passed: 0.8}, {before: {amount: 2, unit: working_hour}}, {after: {amount: …, unit: …}},"
    " {since: {amount: …, unit: …}} or {day_end: 0}"
)


def _at(value: object) -> object:
    """Read `at` by the one key that says its kind, so that a mistake is told of that kind alone."""
    if value in get_args(DUE):
        return value
    kinds = [KINDS[key] for key in value if key in KINDS] if isinstance(value, dict) else []
    if len(kinds) != 1:
        raise refused("threshold", f"{value!r} is no instant of a clock", ALLOWED)
    return kinds[0].model_validate(value)


ThresholdNode = Annotated[
    DUE | PassedNode | BeforeNode | AfterNode | SinceNode | DayEndNode,
    BeforeValidator(_at),
]


class ChainStepNode(Row):
    """One step of a ladder: when, what is done, and whom it tells."""

    id: Slug
    at: ThresholdNode
    """due, or one of passed, before, after, since and day_end."""
    action: ChainAction
    """`urge` 催办, `notify` 通知, `supervise` 督办, `circulate` 通报 (to everybody); `oversee` 督导 and `take_over`
    接管 go to the next desk up, above the county's to its leader on duty (带班领导)."""
    to: Recipient | None = None
    """`target`, who must act, when nothing is said; a step that goes up or to everybody has none."""
    copies: Annotated[tuple[Recipient, ...], Field(max_length=len(Recipient))] = ()
    """抄送: who hears of it too."""
    title: Bilingual | None = None
    """What people are shown of the step."""
    instruction: Bilingual | None = None
    """What `supervise` asks for, in words."""
    reply_within: LimitNode | None = None
    """By when `supervise` wants its reply."""
    every: LimitNode | None = None
    """The pause between two repetitions."""
    times: Annotated[int, Field(ge=1, le=MOST_STEPS)] = 1
    """How often in all, while nothing stops the clock."""

    @field_validator("to")
    @classmethod
    def _chosen(cls, to: Recipient | None, info: ValidationInfo) -> Recipient | None:
        action = info.data.get("action")
        if to is not None and action in UPWARD:
            raise refused("to", f"{action} goes to the next desk up", "no `to`; `copies` for whoever hears of it too")
        if to is not None and action in EVERYBODY:
            raise refused("to", f"{action} goes to every desk and department", "no `to`")
        return to

    def value(self) -> model.ChainStep:
        return model.ChainStep(
            id=self.id,
            at=model.Threshold(anchor=Anchor.DUE) if isinstance(self.at, str) else self.at.value(),
            action=self.action,
            to=self.to or Recipient.TARGET,
            copies=self.copies,
            title=self.title.value() if self.title is not None else None,
            instruction=self.instruction.value() if self.instruction is not None else None,
            reply_within=self.reply_within.value() if self.reply_within is not None else None,
            every=self.every.value() if self.every is not None else None,
            times=self.times,
        )


class ChainNode(Row):
    """A ladder that a limit names: its steps come beside the limit's warnings and `when_late`."""

    id: Slug
    title: Bilingual
    source: Annotated[str, Field(min_length=1, max_length=200)]
    """The rule that the ladder is from, in words."""
    steps: Annotated[tuple[ChainStepNode, ...], Field(min_length=1, max_length=MOST_STEPS)]
    """In the order in which they come."""

    def value(self) -> model.Chain:
        steps = tuple(step.value() for step in self.steps)
        return model.Chain(id=self.id, title=self.title.value(), source=self.source, steps=steps)


class ChainsFile(Row):
    """`chains.yaml`: what limits may name in their column `chain`."""

    chains: Annotated[tuple[ChainNode, ...], Field(min_length=1)]
