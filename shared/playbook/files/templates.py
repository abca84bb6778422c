"""`matters.yaml` and `modes.yaml`: 一件事 as a graph of steps, and the profiles of 平战转换."""

from typing import Annotated

from pydantic import Field

from shared.playbook import model
from shared.playbook.files.conditions import WhenNode
from shared.playbook.files.rows import Bilingual, Grade, Row, Slug
from shared.playbook.files.targets import TargetNode
from shared.playbook.model import Settle
from shared.vocabulary import Level, ModeKind


class StepNode(Row):
    """One step of a matter; it opens when every step in `after` is done or released."""

    id: Slug
    title: Bilingual
    target: TargetNode
    after: Annotated[tuple[Slug, ...], Field(max_length=24)] = ()

    def value(self) -> model.Step:
        return model.Step(id=self.id, title=self.title.value(), target=self.target.value(), after=self.after)


class MatterNode(Row):
    """A 一件事: one case as a graph of orders over departments."""

    id: Slug
    title: Bilingual
    steps: Annotated[tuple[StepNode, ...], Field(min_length=1, max_length=24)]

    def value(self) -> model.Matter:
        return model.Matter(id=self.id, title=self.title.value(), steps=tuple(step.value() for step in self.steps))


class MattersFile(Row):
    """`matters.yaml`: what rules may run a case as."""

    matters: Annotated[tuple[MatterNode, ...], Field(min_length=1)]


class ChannelsNode(Row):
    """How a mode changes deliveries about its cases."""

    retry_at_most_seconds: Annotated[int, Field(ge=1, le=86_400)] | None = None

    def value(self) -> model.Channels:
        return model.Channels(retry_at_most_seconds=self.retry_at_most_seconds)


class ModeNode(Row):
    """A named profile that overlays rules, clocks and channels."""

    id: Slug
    title: Bilingual
    kind: ModeKind
    level: Level
    grade: Grade | None = None
    reroute: WhenNode | None = None
    settle: Settle = Settle.KEEP
    channels: ChannelsNode = ChannelsNode()

    def value(self) -> model.Mode:
        return model.Mode(
            id=self.id,
            title=self.title.value(),
            kind=self.kind,
            level=self.level,
            grade=self.grade,
            reroute=self.reroute.value() if self.reroute is not None else None,
            settle=self.settle,
            channels=self.channels.value(),
        )


class ModesFile(Row):
    """`modes.yaml`: the profiles that can be entered."""

    modes: Annotated[tuple[ModeNode, ...], Field(min_length=1)]
