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
    """Added to the case's own."""
    clock_profile: Slug | None = None
    """Limits of clocks.csv with this profile go before others, for the orders of this rule."""
    mode: Slug | None = None
    """An emergency of modes.yaml that is entered for the case's area: a rule on warnings."""

    def value(self) -> model.Settings:
        return model.Settings(severity=self.severity, tags=self.tags, clock_profile=self.clock_profile, mode=self.mode)


class RuleNode(Row):
    """One routing rule."""

    id: Slug
    version: Annotated[str, Field(min_length=1, max_length=32)] = "1"
    title: Bilingual
    author: Annotated[str, Field(max_length=120)] = ""
    """Who answers for the rule."""
    state: RuleState = RuleState.ACTIVE
    """shadow: counted and shown, never acted on; off: not tried."""
    valid: ValidNode = ValidNode()
    when: WhenNode = WhenNode()
    """What the case must be; without it, every case."""
    lead: AskedNode | None = None
    """Who leads; a rule that does not `continue` must say."""
    assist: tuple[AskedNode, ...] = ()
    oversee: tuple[AskedNode, ...] = ()
    matter: Slug | None = None
    """Id of the matter (一件事) of matters.yaml that the case is run as."""
    sets: Annotated[SetNode, Field(alias="set")] = SetNode()
    because: Bilingual
    """Why the county decided so; shown with each order."""
    goes_on: Annotated[bool, Field(alias="continue")] = False
    """The walk goes on after this rule, and orders add up."""

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
    """The group's id."""
    title: Bilingual | None = None
    when: WhenNode
    """What a case must be for any of its rules to be tried."""
    rules: tuple[Any, ...]


class RulesFile(Row):
    """`rules.yaml`: rules and groups of rules, tried in order."""

    rules: Annotated[tuple[RuleNode | GroupNode, ...], Field(min_length=1)]


def _demand(role: OrderRole, asked: AskedNode) -> model.Demand:
    return model.Demand(role=role, target=asked.value(), backups=tuple(backup.value() for backup in asked.backups))
