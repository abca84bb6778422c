"""Codes in words, Chinese and English, for the lines that people read (docs/glossary.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from shared.events.case import Rating
from shared.events.parts import Target
from shared.vocabulary import Level, OrderRole, TargetKind, WhenLate
from shared.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleWords:
    """An order's role as a noun, and in English as what its target is asked to do."""

    zh: str
    en: str
    verb_en: str


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


def halves(text: str) -> Words:
    """The two languages of a sentence that a service wrote as ``中文 | English``; a sentence in one stands for both."""
    zh, bar, en = text.partition(" | ")
    return Words(zh=zh, en=en) if bar else Words(zh=text, en=text)


def lateness(seconds: float) -> Words:
    """How much later than its deadline a clock was seen, when that is worth a word."""
    if seconds < SOON:
        return Words(zh="", en="")
    if seconds < MINUTE:
        return Words(zh=f" {seconds:.0f} 秒", en=f" by {seconds:.0f} s")
    if seconds < HOUR:
        return Words(zh=f" {seconds / MINUTE:.0f} 分钟", en=f" by {seconds / MINUTE:.0f} min")
    return Words(zh=f" {seconds / HOUR:.1f} 小时", en=f" by {seconds / HOUR:.1f} h")
