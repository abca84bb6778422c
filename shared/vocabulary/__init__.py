"""The words that every service must mean alike: levels, areas, severity, roles and the two refusals.

Pure: no I/O and no third-party import, so that every ``domain`` may use it. The words and their
Chinese terms stand in ``docs/glossary.md``.
"""

from shared.vocabulary.areas import (
    AREA_PATTERN,
    COUNTY_DIGITS,
    GRID_DIGITS,
    TOWN_DIGITS,
    VILLAGE_DIGITS,
    AreaCode,
    Level,
    at_level,
    county_of,
    covers,
    is_area,
    level_of,
)
from shared.vocabulary.cases import (
    CASE_ENDED,
    CATEGORY_PATTERN,
    NORMAL,
    AppealGround,
    CaseState,
    CategoryCode,
    ModeKind,
    Purpose,
    RefusalCode,
    Severity,
    Source,
)
from shared.vocabulary.clocks import (
    ChainAction,
    ClockKind,
    Recipient,
    WhenLate,
)
from shared.vocabulary.orders import (
    OrderReason,
    OrderRole,
    OrderState,
    WhistleKind,
)
from shared.vocabulary.people import (
    ActorKind,
    EmergencyService,
    Post,
    Role,
    TargetKind,
)
from shared.vocabulary.refusals import (
    Malformed,
    Refused,
)
from shared.vocabulary.texts import (
    Aware,
    Pattern,
)

__all__ = [
    "AREA_PATTERN",
    "CASE_ENDED",
    "CATEGORY_PATTERN",
    "COUNTY_DIGITS",
    "GRID_DIGITS",
    "NORMAL",
    "TOWN_DIGITS",
    "VILLAGE_DIGITS",
    "ActorKind",
    "AppealGround",
    "AreaCode",
    "Aware",
    "CaseState",
    "CategoryCode",
    "ChainAction",
    "ClockKind",
    "EmergencyService",
    "Level",
    "Malformed",
    "ModeKind",
    "OrderReason",
    "OrderRole",
    "OrderState",
    "Pattern",
    "Post",
    "Purpose",
    "Recipient",
    "RefusalCode",
    "Refused",
    "Role",
    "Severity",
    "Source",
    "TargetKind",
    "WhenLate",
    "WhistleKind",
    "at_level",
    "county_of",
    "covers",
    "is_area",
    "level_of",
]
