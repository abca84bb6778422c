"""Who reported, and who may be told how much of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from services.intake.domain.life.permissions import Bearer, NotYours, has_duty
from shared.masking import mask
from shared.vocabulary import COUNTY_DIGITS, TOWN_DIGITS, VILLAGE_DIGITS, Role, covers

ERASED: Final = "（已应当事人要求或依保存期限删除）"
"""What stands in the place of a text that was removed."""
_MIN_PHONE: Final = 5
_MOBILE: Final = 11


@unique
class Sight(Enum):
    """How much of a reporter somebody may see."""

    NOTHING = "nothing"
    CONTACT = "contact"
    """Through whom the reporter can be reached, and nothing else."""
    PHONE = "phone"
    """The phone alone, to call about the matter."""
    PARTLY = "partly"
    """The family name, and the phone masked."""
    FULL = "full"


OF_LEVEL: Final[Mapping[tuple[Role, int], Sight]] = MappingProxyType(
    {
        (Role.LEADER, COUNTY_DIGITS): Sight.FULL,
        (Role.DESK, COUNTY_DIGITS): Sight.FULL,
        (Role.OPERATOR, COUNTY_DIGITS): Sight.FULL,
        (Role.LEADER, TOWN_DIGITS): Sight.PARTLY,
        (Role.DESK, TOWN_DIGITS): Sight.PARTLY,
        (Role.LEADER, VILLAGE_DIGITS): Sight.CONTACT,
        (Role.DESK, VILLAGE_DIGITS): Sight.CONTACT,
        (Role.GRID_WORKER, VILLAGE_DIGITS): Sight.CONTACT,
    }
)
"""By role and the level of the key's area, a grid cell's as its village's; a department by the rule below.

Whoever is not named sees nothing: sources, reporters, auditors, who check looks and do not look.
"""
SECRET_FOR: Final = frozenset({(Role.LEADER, COUNTY_DIGITS)})
"""Who alone may see a reporter that asked for secrecy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What of a report decides who may see its reporter; ``leads`` is the department that leads its case."""

    area: str
    category: str
    leads: str | None
    secret: bool
    departments_may_call: bool


def sight_of(bearer: Bearer, about: About) -> Sight:
    """How much of the reporter the bearer may see; nothing where the key's area or duties do not hold the case."""
    if not covers(bearer.area, about.area) or not has_duty(bearer, about.category):
        return Sight.NOTHING
    level = (bearer.role, min(len(bearer.area), VILLAGE_DIGITS))
    if about.secret:
        return Sight.FULL if level in SECRET_FOR else Sight.NOTHING
    if bearer.role is Role.DEPARTMENT:
        return Sight.PHONE if about.departments_may_call and bearer.department == about.leads else Sight.NOTHING
    return OF_LEVEL.get(level, Sight.NOTHING)


def shown(sight: Sight, *, name: str, phone: str, address: str) -> dict[str, str]:
    """What of a reporter is shown at this sight."""
    match sight:
        case Sight.FULL:
            return {"name": name, "phone": phone, "address": address}
        case Sight.PARTLY:
            return {"name": masked_name(name), "phone": masked_phone(phone)}
        case Sight.PHONE:
            return {"phone": phone}
        case Sight.CONTACT | Sight.NOTHING:
            return {}


def must_keep_the_books(bearer: Bearer) -> None:
    """Pass when the bearer answers for a county's personal data: its operators and its leader.

    Raises:
        NotYours: otherwise.
    """
    answers = bearer.role in (Role.OPERATOR, Role.LEADER) and len(bearer.area) == COUNTY_DIGITS
    # A person's reports are of all kinds: who is there for some of them cannot answer for all.
    if answers and not bearer.duties:
        return
    raise NotYours(
        f"a key of role {bearer.role} for {bearer.area} does not answer for personal data",
        field="Authorization",
        allowed=["a key of role operator or leader for a county and all duties"],
    )


def masked_name(name: str) -> str:
    """The family name and a star for each sign that follows: two signs of it for the known compound ones."""
    family = 2 if name[:2] in _COMPOUND and len(name) > 2 else 1  # noqa: PLR2004  more than the family name
    return name[:family] + "*" * (len(name) - family)


def masked_phone(phone: str) -> str:
    """The phone as texts show it; one that reads like none keeps its last two signs."""
    masked = mask(phone)
    return masked if masked != phone else "*" * max(0, len(phone) - 2) + phone[-2:]


def phone_digits(phone: str) -> str:
    """The digits that tell one phone from another, without China's country code; empty when there are too few.

    Full-width digits, spaces, hyphens and brackets do not count, so that one person written two ways is one person.
    """
    digits = re.sub(r"[^0-9]", "", unicodedata.normalize("NFKC", phone))
    for prefix in ("0086", "86"):
        if digits.startswith(prefix) and len(digits) == len(prefix) + _MOBILE:
            digits = digits.removeprefix(prefix)
    return digits if len(digits) >= _MIN_PHONE else ""


_COMPOUND: Final = frozenset(
    {"欧阳", "上官", "司马", "诸葛", "夏侯", "皇甫", "尉迟", "公孙", "慕容", "令狐", "宇文", "长孙", "司徒", "司空"}
    | {"东方", "南宫", "端木", "百里", "呼延", "轩辕"}
)
