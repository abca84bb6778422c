"""How grave a case is, and whether life may be at risk: by its text, its category and its sender's word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from services.intake.domain.life.commands import HandOver
from services.intake.domain.reading.spoken import spoken
from shared.playbook.model import Category, Policy
from shared.vocabulary import Severity

WORDS_TOLD: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """The severity and why; ``handovers`` are empty unless life may be at risk."""

    severity: Severity
    why: str
    handovers: tuple[HandOver, ...] = ()


def grade(own: Severity | None, text: str, category: Category, *, policy: Policy, named: bool) -> Graded:
    """The severity: I where life may be at risk, else as the sender says, else by category and graded words.

    Of category and words the graver counts. ``named``: the sender named the category, which then calls its
    emergency service without any word.
    """
    handovers = _handovers(text, category.code if named else None, policy)
    if handovers:
        words = "、".join(word for one in handovers for word in one.words) or f"{category.code} {category.name.zh}"
        services = "、".join(one.service.value for one in handovers)
        return Graded(
            severity=Severity.I,
            why=f"「{words}」危及生命,定为 I 级并移交 {services} / life may be at risk",
            handovers=handovers,
        )
    if own is not None:
        return Graded(severity=own, why=f"报告给出 {own.name} 级 / the report says so")
    return _by_words(text, category, policy)


def _by_words(text: str, category: Category, policy: Policy) -> Graded:
    graver = [
        (one.severity, words)
        for one in policy.gradings
        if one.severity < category.severity and (words := spoken(one.words, text))
    ]
    if not graver:
        why = f"类别 {category.code} {category.name.zh} 为 {category.severity.name} 级 / its category's severity"
        return Graded(severity=category.severity, why=why)
    severity, words = min(graver)
    return Graded(severity=severity, why=f"用词「{'、'.join(words)}」至少 {severity.name} 级 / these words make it so")


def _handovers(text: str, category: str | None, policy: Policy) -> tuple[HandOver, ...]:
    found = (
        HandOver(service=one.service, words=said[:WORDS_TOLD])
        for one in policy.emergencies
        if (said := spoken(one.words, text)) or _is_of(category, one.categories)
    )
    return tuple(found)


def _is_of(category: str | None, families: tuple[str, ...]) -> bool:
    return category is not None and any(category == one or category.startswith(f"{one}.") for one in families)
