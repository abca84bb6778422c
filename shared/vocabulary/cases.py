"""What a case is, where it comes from and the states of its life."""

from __future__ import annotations

from enum import IntEnum, StrEnum, unique
from typing import Annotated, Final

from shared.vocabulary.texts import Pattern

CATEGORY_PATTERN: Final = r"^[0-9A-Za-z]([0-9A-Za-z.-]{0,30}[0-9A-Za-z])?$"

CategoryCode = Annotated[str, Pattern(CATEGORY_PATTERN)]
"""A code of the county's category tree; a parent's code is a prefix of its children's, up to a dot."""


@unique
class Severity(IntEnum):
    """Statutory grades of urgency: I red, II orange, III yellow, IV blue (突发事件应对法)."""

    I = 1  # noqa: E741  the grade's own numeral
    II = 2
    III = 3
    IV = 4


@unique
class Source(StrEnum):
    """Where a report comes from."""

    RESIDENT = "resident"
    GRID = "grid"
    HOTLINE = "hotline"
    SENSOR = "sensor"
    INSPECTION = "inspection"
    HANDOVER = "handover"


@unique
class Purpose(StrEnum):
    """What a case is for: only real ones are about a real matter."""

    REAL = "real"
    DRILL = "drill"
    """演练: handled as if real, marked everywhere, told to nobody outside."""
    CANARY = "canary"
    """探测: goes through the whole system to show that it works, and touches nobody."""


@unique
class ModeKind(StrEnum):
    """What kind of profile a mode is (平战转换)."""

    NORMAL = "normal"
    DRILL = "drill"
    EMERGENCY = "emergency"


NORMAL: Final = "normal"
"""The id of the mode where none has been entered."""


@unique
class CaseState(StrEnum):
    """The states of a case on the straight path; GB/T 30428.8 stages in ``docs/states.md``."""

    RECEIVED = "received"
    """A report that a person has yet to file or to refuse; nobody routes it."""
    OPENED = "opened"
    ROUTED = "routed"
    SIGNED = "signed"
    ARRIVED = "arrived"
    IN_PROGRESS = "in_progress"
    RETURNED = "returned"
    PAUSED = "paused"
    HUNG = "hung"
    RESOLVED = "resolved"
    VERIFIED = "verified"
    CLOSED = "closed"
    REFUSED = "refused"
    MERGED = "merged"


CASE_ENDED: Final = frozenset({CaseState.CLOSED, CaseState.REFUSED, CaseState.MERGED})
"""States in which nobody has anything to do for the case any more."""


@unique
class RefusalCode(StrEnum):
    """Why a report is not taken on (不予受理)."""

    NO_MATTER = "no_matter"
    """Nothing is asked or reported in it."""
    NOT_OURS = "not_ours"
    """Another county's, or outside what the government does."""
    LEGAL_WAY = "legal_way"
    """A court, an arbitration or an appeal has it."""
    UNCLEAR = "unclear"
    """It cannot be found out what or where it is."""
    ABUSE = "abuse"
    """Insult, advertising, or the same again without anything new."""


@unique
class AppealGround(StrEnum):
    """What an appeal holds to be judged wrongly."""

    OVERDUE = "overdue"
    NOT_OURS = "not_ours"
    RATING = "rating"
    FORCE_MAJEURE = "force_majeure"
