"""The words that every service must mean alike: levels, areas, severity, roles and the two refusals.

Pure: no I/O and no third-party import, so that every ``domain`` may use it. The words and their
Chinese terms stand in ``docs/glossary.md``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum, unique
from typing import Annotated, Any, Final

_Handler = Callable[[object], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression that an edge enforces on a text field.

    Pydantic reads it through its own protocol, so that this module and every domain that uses it
    stay free of pydantic.
    """

    regex: str

    def __get_pydantic_core_schema__(self, source: object, handler: _Handler) -> dict[str, Any]:
        schema = handler(source)
        schema["pattern"] = self.regex
        return schema


@dataclass(frozen=True, slots=True)
class Aware:
    """A time stamp that must carry its offset; a naive one is refused at the edge."""

    def __get_pydantic_core_schema__(self, source: object, handler: _Handler) -> dict[str, Any]:
        schema = handler(source)
        schema["tz_constraint"] = "aware"
        return schema


COUNTY_DIGITS: Final = 6
TOWN_DIGITS: Final = 9
VILLAGE_DIGITS: Final = 12
GRID_DIGITS: Final = 15

AREA_PATTERN: Final = r"^[0-9]{6}([0-9]{3}([0-9]{3}([0-9]{3})?)?)?$"


AreaCode = Annotated[str, Pattern(AREA_PATTERN)]
"""County 6 digits (GB/T 2260), town 9, village 12 (GB/T 10114); a grid cell has 15."""

CATEGORY_PATTERN: Final = r"^[0-9A-Za-z]([0-9A-Za-z.-]{0,30}[0-9A-Za-z])?$"

CategoryCode = Annotated[str, Pattern(CATEGORY_PATTERN)]
"""A code of the county's category tree; a parent's code is a prefix of its children's, up to a dot."""


class Refused(Exception):  # noqa: N818  a refusal is an answer, not a fault
    """A final no: retrying the same request cannot help.

    ``allowed`` says what would have been accepted instead, in words or codes a caller can show.
    """

    def __init__(self, reason: str, *, field: str | None = None, allowed: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.allowed = tuple(allowed)


class Malformed(Exception):  # noqa: N818  named for what the bytes are
    """Bytes that nobody can read; they belong on the dead-letter topic with this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@unique
class Level(StrEnum):
    """The three levels of command, lowest first."""

    VILLAGE = "village"
    TOWN = "town"
    COUNTY = "county"

    @property
    def above(self) -> Level:
        """The next level up.

        Raises:
            Refused: at the county, which has nobody above.
        """
        match self:
            case Level.VILLAGE:
                return Level.TOWN
            case Level.TOWN:
                return Level.COUNTY
            case Level.COUNTY:
                raise Refused("the county has no level above", field="level")

    @property
    def digits(self) -> int:
        """How many digits of an area code name an area of this level."""
        return _DIGITS[self]


_DIGITS: Final = {Level.VILLAGE: VILLAGE_DIGITS, Level.TOWN: TOWN_DIGITS, Level.COUNTY: COUNTY_DIGITS}


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
class WhistleKind(StrEnum):
    """Why a base-level desk calls several departments to one case (吹哨)."""

    JOINT_ENFORCEMENT = "joint_enforcement"
    """综合执法哨."""
    KEY_WORK = "key_work"
    """重点工作哨."""
    EMERGENCY = "emergency"
    """应急处置哨: sounds at once, without the head's word."""


@unique
class Role(StrEnum):
    """What the bearer of a key may be."""

    SOURCE = "source"
    """A system that sends reports: the hotline, sensors, another platform."""
    REPORTER = "reporter"
    """Whoever reported: knows their own report by its tracking code and no other."""
    GRID_WORKER = "grid_worker"
    """网格员: reports, and acts on site in the cells or village of the key's area."""
    DESK = "desk"
    LEADER = "leader"
    """The head of a desk: everything that the desk may, and its whistles sound by their word."""
    DEPARTMENT = "department"
    OPERATOR = "operator"
    AUDITOR = "auditor"


@unique
class TargetKind(StrEnum):
    """Who can be asked to act."""

    DESK = "desk"
    DEPARTMENT = "department"


@unique
class OrderRole(StrEnum):
    """What an order asks of its target: to lead, to assist, or to oversee who does."""

    LEAD = "lead"
    ASSIST = "assist"
    OVERSEE = "oversee"


@unique
class OrderReason(StrEnum):
    """Why an order was issued."""

    RULE = "rule"
    UNROUTED = "unrouted"
    RETURNED = "returned"
    REOPENED = "reopened"
    ESCALATED = "escalated"
    WHISTLE = "whistle"
    TRANSFERRED = "transferred"
    RULING = "ruling"
    """Whose duty it is is unclear or contested: the target is to rule (裁定)."""
    RULED = "ruled"
    """The level above ruled that it is the target's."""
    STEP = "step"
    """A step of a matter (一件事)."""
    MODE = "mode"


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
class EmergencyService(StrEnum):
    """Whom a case is handed to as well when life may be at risk."""

    POLICE = "110"
    FIRE = "119"
    MEDICAL = "120"


@unique
class AppealGround(StrEnum):
    """What an appeal holds to be judged wrongly."""

    OVERDUE = "overdue"
    NOT_OURS = "not_ours"
    RATING = "rating"
    FORCE_MAJEURE = "force_majeure"


@unique
class OrderState(StrEnum):
    """The states of one order of a case."""

    ISSUED = "issued"
    SIGNED = "signed"
    ARRIVED = "arrived"
    IN_PROGRESS = "in_progress"
    RESOLVED = "resolved"
    RETURNING = "returning"
    """Given back after it was signed: its target answers until another lead has signed (首接负责)."""
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


@unique
class ClockKind(StrEnum):
    """What a clock limits."""

    ACCEPT = "accept"
    DISPATCH = "dispatch"
    SIGN_IN = "sign_in"
    ARRIVE = "arrive"
    HANDLE = "handle"
    FEEDBACK = "feedback"
    VERIFY = "verify"
    SUPERVISE = "supervise"


@unique
class WhenLate(StrEnum):
    """What the level above does about a late clock: nothing yet, watch, or take the case over."""

    NONE = "none"
    OVERSEE = "oversee"
    TAKE_OVER = "take_over"


@unique
class ChainAction(StrEnum):
    """What a step of a chain does about a clock."""

    URGE = "urge"
    """催办: whoever must act is told to."""
    NOTIFY = "notify"
    """通知: somebody else is told."""
    OVERSEE = "oversee"
    """The next desk up watches (督导)."""
    TAKE_OVER = "take_over"
    """The next desk up has the order from then on (接管)."""
    SUPERVISE = "supervise"
    """督办: an instruction with a deadline for the reply, to be signed off."""
    CIRCULATE = "circulate"
    """通报: the case is made known to every desk and department of the county."""


@unique
class Recipient(StrEnum):
    """Whom a step of a chain tells, as the clock and the roster of that instant have it."""

    TARGET = "target"
    """Whoever must act: the officers on duty."""
    TARGET_LEADER = "target_leader"
    """The leader on duty (带班领导) of whoever must act."""
    ABOVE = "above"
    ABOVE_LEADER = "above_leader"
    COUNTY_LEADER = "county_leader"
    """县带班领导."""


@unique
class Post(StrEnum):
    """What a shift of the roster is for."""

    OFFICER = "officer"
    """值班员: called first."""
    LEADER = "leader"
    """带班领导: told when a step of a chain says so; no order names one."""


@unique
class ActorKind(StrEnum):
    """Who did something to a case."""

    DESK = "desk"
    DEPARTMENT = "department"
    OPERATOR = "operator"
    SOURCE = "source"
    SYSTEM = "system"


def is_area(code: str) -> bool:
    """Say whether ``code`` has the form of an area code (6, 9, 12 or 15 digits)."""
    return re.fullmatch(AREA_PATTERN, code) is not None


def level_of(code: str) -> Level:
    """The level whose desk answers for the area ``code``; a grid cell belongs to its village.

    Raises:
        Refused: when ``code`` is no area code.
    """
    match len(code) if is_area(code) else 0:
        case 6:
            return Level.COUNTY
        case 9:
            return Level.TOWN
        case 12 | 15:
            return Level.VILLAGE
        case _:
            raise Refused(f"{code!r} is no area code", field="area", allowed=["6, 9, 12 or 15 digits"])


def at_level(code: str, level: Level) -> str:
    """The area of ``level`` that holds ``code``.

    Raises:
        Refused: when ``code`` is coarser than ``level`` (a county lies in no single village).
    """
    if len(code) < level.digits:
        raise Refused(
            f"area {code} lies in no single {level}", field="area", allowed=[f"{level.digits} digits or more"]
        )
    return code[: level.digits]


def county_of(code: str) -> str:
    """The county, six digits, that holds the area ``code``."""
    return code[:COUNTY_DIGITS]


def covers(outer: str, inner: str) -> bool:
    """Say whether area ``outer`` is ``inner`` or holds it; codes nest by prefix."""
    return inner.startswith(outer)
