"""`rules.yaml`: routing rules, alone or in groups that share conditions."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Final

from pydantic import Field

from shared.playbook import model
from shared.playbook.files.conditions import WhenNode
from shared.playbook.files.rows import Bilingual, Grade, Row, Slug, Words
from shared.playbook.files.targets import AskedNode
from shared.playbook.model import RuleState, When
from shared.vocabulary import OrderRole

DEEPEST: Final = 8
"""Groups inside groups."""


class ValidNode(Row):
    """First and last day, local, on which a rule holds."""

    since: Annotated[date | None, Field(alias="from")] = None
    until: date | None = None


class SetNode(Row):
    """What a rule changes on the case and its orders."""

    severity: Grade | None = None
    tags: Annotated[Words, Field(max_length=32)] = ()
    clock_profile: Slug | None = None
    mode: Slug | None = None

    def value(self) -> model.Settings:
        return model.Settings(severity=self.severity, tags=self.tags, clock_profile=self.clock_profile, mode=self.mode)


class RuleNode(Row):
    """One routing rule."""

    id: Slug
    version: Annotated[str, Field(min_length=1, max_length=32)] = "1"
    title: Bilingual
    author: Annotated[str, Field(max_length=120)] = ""
    state: RuleState = RuleState.ACTIVE
    valid: ValidNode = ValidNode()
    when: WhenNode = WhenNode()
    lead: AskedNode | None = None
    assist: tuple[AskedNode, ...] = ()
    oversee: tuple[AskedNode, ...] = ()
    matter: Slug | None = None
    sets: Annotated[SetNode, Field(alias="set")] = SetNode()
    because: Bilingual
    goes_on: Annotated[bool, Field(alias="continue")] = False

    def value(self, *, around: tuple[When, ...] = (), groups: tuple[str, ...] = ()) -> model.Rule:
        """Return the rule, inside the `groups` whose conditions are `around` it, outermost first."""
        return model.Rule(
            id=self.id,
            version=self.version,
            title=self.title.value(),
            when=self.when.value(),
            demands=tuple(self._demands()),
            because=self.because.value(),
            author=self.author,
            goes_on=self.goes_on,
            around=around,
            groups=groups,
            state=self.state,
            valid_from=self.valid.since,
            valid_until=self.valid.until,
            sets=self.sets.value(),
            matter=self.matter,
        )

    def _demands(self) -> Iterator[model.Demand]:
        if self.lead is not None:
            yield _demand(OrderRole.LEAD, self.lead)
        for asked in self.assist:
            yield _demand(OrderRole.ASSIST, asked)
        for asked in self.oversee:
            yield _demand(OrderRole.OVERSEE, asked)


class GroupNode(Row):
    """Rules that share conditions; what stands inside is read node by node."""

    group: Slug
    title: Bilingual | None = None
    when: WhenNode
    rules: tuple[Any, ...]


def _demand(role: OrderRole, asked: AskedNode) -> model.Demand:
    return model.Demand(role=role, target=asked.value(), backups=tuple(backup.value() for backup in asked.backups))
