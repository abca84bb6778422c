"""Codes in words, Chinese and English, for the lines that people read (docs/glossary.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Protocol

from shared.events.case import Rating
from shared.events.parts import Target
from shared.vocabulary import (
    NORMAL,
    AppealGround,
    EmergencyService,
    Level,
    OrderReason,
    OrderRole,
    RefusalCode,
    TargetKind,
    WhenLate,
    WhistleKind,
)
from shared.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleWords:
    """An order's role as a noun, and in English as what its target is asked to do."""

    zh: str
    en: str
    verb_en: str


class Names(Protocol):
    """What codes are called in the county of ``area``; a code that nobody knows is its own name."""

    def department(self, area: str, code: str) -> Words:
        """The name of a department."""

    def mode(self, area: str, code: str) -> Words:
        """The title of a mode's profile."""

    def category(self, area: str, code: str) -> Words:
        """The name of a category."""

    def pause(self, area: str, code: str) -> Words:
        """The name of a reason for which a case may be paused."""

    def area(self, code: str) -> Words:
        """The name of an area with the areas that hold it, up to the town; a cell is called by its village."""

    def officer(self, area: str, code: str) -> str:
        """The name of an officer of the roster."""

    def chain(self, area: str, code: str) -> Words:
        """The title of a chain of clocks' steps."""

    def step(self, area: str, chain: str, code: str) -> Words:
        """The title of one step of a chain."""


class Codes:
    """Names where no playbook is at hand: every code is its own."""

    def department(self, area: str, code: str) -> Words:  # noqa: ARG002  see ``Names``
        """See ``Names``."""
        return Words(zh=code, en=code)

    def mode(self, area: str, code: str) -> Words:  # noqa: ARG002  see ``Names``
        """See ``Names``."""
        return NORMAL_WORDS if code == NORMAL else Words(zh=code, en=code)

    def category(self, area: str, code: str) -> Words:  # noqa: ARG002  see ``Names``
        """See ``Names``."""
        return Words(zh=code, en=code)

    def pause(self, area: str, code: str) -> Words:  # noqa: ARG002  see ``Names``
        """See ``Names``."""
        return Words(zh=code, en=code)

    def area(self, code: str) -> Words:
        """See ``Names``."""
        return Words(zh=code, en=code)

    def officer(self, area: str, code: str) -> str:  # noqa: ARG002  see ``Names``
        """See ``Names``."""
        return code

    def chain(self, area: str, code: str) -> Words:  # noqa: ARG002  see ``Names``
        """See ``Names``."""
        return Words(zh=code, en=code)

    def step(self, area: str, chain: str, code: str) -> Words:  # noqa: ARG002  see ``Names``
        """See ``Names``."""
        return Words(zh=code, en=code)


NORMAL_WORDS: Final = Words(zh="平时", en="normal")
CODES: Final = Codes()

LEVELS: Final[Mapping[Level, Words]] = MappingProxyType(
    {
        Level.VILLAGE: Words(zh="村级", en="village"),
        Level.TOWN: Words(zh="镇级", en="town"),
        Level.COUNTY: Words(zh="县级", en="county"),
    }
)
ROLES: Final[Mapping[OrderRole, RoleWords]] = MappingProxyType(
    {
        OrderRole.LEAD: RoleWords(zh="主办", en="lead", verb_en="lead"),
        OrderRole.ASSIST: RoleWords(zh="协办", en="assist", verb_en="assist"),
        OrderRole.OVERSEE: RoleWords(zh="督办", en="oversee", verb_en="oversee"),
    }
)
REASONS_OF_ORDERS: Final[Mapping[OrderReason, Words]] = MappingProxyType(
    {
        OrderReason.UNROUTED: Words(zh="无规则命中", en="no rule matched"),
        OrderReason.RETURNED: Words(zh="退单改派", en="after a return"),
        OrderReason.REOPENED: Words(zh="重新打开", en="reopened"),
        OrderReason.ESCALATED: Words(zh="超时升级", en="moved up"),
        OrderReason.WHISTLE: Words(zh="吹哨", en="whistled for"),
        OrderReason.TRANSFERRED: Words(zh="转办", en="transferred"),
        OrderReason.RULING: Words(zh="请裁定职责归属", en="to rule whose duty it is"),
        OrderReason.RULED: Words(zh="经裁定", en="by ruling"),
        OrderReason.STEP: Words(zh="一件事环节", en="a step of the matter"),
        OrderReason.MODE: Words(zh="平战转换", en="by the mode in force"),
    }
)
"""Why an order came, where it is not the plain answer of a rule."""
ACTIONS: Final[Mapping[WhenLate, Words]] = MappingProxyType(
    {
        WhenLate.NONE: Words(zh="知悉", en="is told"),
        WhenLate.OVERSEE: Words(zh="督办", en="oversees it"),
        WhenLate.TAKE_OVER: Words(zh="接办", en="takes it over"),
    }
)
RATINGS: Final[Mapping[Rating, Words]] = MappingProxyType(
    {
        Rating.SATISFIED: Words(zh="满意", en="satisfied"),
        Rating.BASICALLY: Words(zh="基本满意", en="basically satisfied"),
        Rating.NOT: Words(zh="不满意", en="not satisfied"),
    }
)
WHISTLES: Final[Mapping[WhistleKind, Words]] = MappingProxyType(
    {
        WhistleKind.JOINT_ENFORCEMENT: Words(zh="综合执法哨", en="joint enforcement"),
        WhistleKind.KEY_WORK: Words(zh="重点工作哨", en="key work"),
        WhistleKind.EMERGENCY: Words(zh="应急处置哨", en="emergency"),
    }
)
REFUSALS: Final[Mapping[RefusalCode, Words]] = MappingProxyType(
    {
        RefusalCode.NO_MATTER: Words(zh="无具体诉求", en="nothing is asked or reported"),
        RefusalCode.NOT_OURS: Words(zh="不属本地受理范围", en="another county's, or outside what the government does"),
        RefusalCode.LEGAL_WAY: Words(zh="应循法定途径", en="a court, an arbitration or an appeal has it"),
        RefusalCode.UNCLEAR: Words(zh="事项或地点无法查明", en="what or where it is cannot be found out"),
        RefusalCode.ABUSE: Words(zh="恶意或重复无新内容", en="abuse, or the same again with nothing new"),
    }
)
SERVICES: Final[Mapping[EmergencyService, Words]] = MappingProxyType(
    {
        EmergencyService.POLICE: Words(zh="公安 110", en="the police (110)"),
        EmergencyService.FIRE: Words(zh="消防 119", en="the fire brigade (119)"),
        EmergencyService.MEDICAL: Words(zh="急救 120", en="the ambulance (120)"),
    }
)
GROUNDS: Final[Mapping[AppealGround, Words]] = MappingProxyType(
    {
        AppealGround.OVERDUE: Words(zh="超时认定有误", en="it was not late"),
        AppealGround.NOT_OURS: Words(zh="不属本单位职责", en="it was not theirs"),
        AppealGround.RATING: Words(zh="评价不实", en="the rating is not fair"),
        AppealGround.FORCE_MAJEURE: Words(zh="不可抗力", en="force majeure"),
    }
)

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
SOON: Final = 1.0
"""Seconds within which a clock counts as fired on time."""


def target_words(target: Target) -> Words:
    """Name a target; without a name, its id with what it is."""
    if target.name:
        return Words(zh=target.name, en=target.name)
    if target.kind is TargetKind.DESK:
        return Words(zh=f"{target.id} 指挥平台", en=f"desk {target.id}")
    return Words(zh=f"部门 {target.id}", en=f"department {target.id}")


def office_words(target: Target, area: str, names: Names) -> Words:
    """Name a target in both languages: an order bears one name, the county's playbook knows the other."""
    told = target_words(target)
    if not target.name:
        return told
    if target.kind is TargetKind.DEPARTMENT:
        known = names.department(area, target.id)
        return told if known.en == target.id else Words(zh=told.zh, en=known.en)
    known = names.area(target.id)
    return told if known.en == target.id else Words(zh=told.zh, en=f"the desk of {known.en}")


def beginning(words: Words) -> Words:
    """The same at the beginning of a sentence."""
    return Words(zh=words.zh, en=f"{words.en[:1].upper()}{words.en[1:]}")


def lateness(seconds: float) -> Words:
    """How much later than its deadline a clock was seen, when that is worth a word."""
    if seconds < SOON:
        return Words(zh="", en="")
    if seconds < MINUTE:
        return Words(zh=f" {seconds:.0f} 秒", en=f" by {seconds:.0f} s")
    if seconds < HOUR:
        return Words(zh=f" {seconds / MINUTE:.0f} 分钟", en=f" by {seconds / MINUTE:.0f} min")
    return Words(zh=f" {seconds / HOUR:.1f} 小时", en=f" by {seconds / HOUR:.1f} h")
