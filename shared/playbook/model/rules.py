"""Routing rules."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum, unique

from shared.playbook.model.conditions import When
from shared.playbook.model.targets import Target
from shared.playbook.model.texts import Text
from shared.vocabulary import OrderRole, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One order that a rule asks for: in which role, and of whom.

    When the one chosen stands on the roster and nobody of it is on duty at that instant, `backups`
    are asked in order; when none of them is on duty either, the first chosen gets it all the same.
    """

    role: OrderRole
    target: Target
    backups: tuple[Target, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a rule changes on the case and its orders; None and empty change nothing."""

    severity: Severity | None = None
    tags: tuple[str, ...] = ()
    """Added to the case's own."""
    clock_profile: str | None = None
    """Limits of that profile go before those without one."""
    mode: str | None = None
    """The mode that intake enters for the case's area of the profile's level: a rule on warnings."""


@unique
class RuleState(StrEnum):
    """Whether a rule acts."""

    ACTIVE = "active"
    SHADOW = "shadow"
    """Counted and shown, never acted on; it does not end the walk."""
    OFF = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One routing rule; rules are tried in order and the first that holds ends the walk.

    With `goes_on` (`continue: true` in the file) the walk goes on after it and orders add up. A rule
    in groups holds when `around`, the conditions of its groups, outermost first, and its own `when`
    all hold.
    """

    id: str
    version: str
    title: Text
    when: When
    demands: tuple[Demand, ...]
    because: Text
    """Why the county decided so; shown with each order."""
    author: str = ""
    goes_on: bool = False
    around: tuple[When, ...] = ()
    groups: tuple[str, ...] = ()
    """Ids of the groups it stands in, outermost first."""
    state: RuleState = RuleState.ACTIVE
    valid_from: date | None = None
    """First day, local, on which it holds."""
    valid_until: date | None = None
    """Last day, local, on which it holds."""
    sets: Settings = Settings()
    matter: str | None = None
    """Id of the matter (一件事) whose steps are opened beside the lead."""

    def in_force_on(self, day: date) -> bool:
        """Say whether the rule's dates hold `day`; its state is another question."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)
