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


def grade(
    own: Severity | None,
    text: str,
    category: Category,
    *,
    policy: Policy,
    named: bool,
    hits: frozenset[str] | None = None,
) -> Graded:
    """The severity: I where life may be at risk, else as the sender says, else by category and graded words.

    Of category and words the graver counts. ``named``: the sender named the category, which then calls its
    emergency service without any word. ``hits`` are those of the policy's words that stand in the text, without case,
    where somebody has found them already.
    """
    said = _Said(text, hits)
    handovers = _handovers(said, category.code if named else None, policy)
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
    return _by_words(said, category, policy)


@dataclass(frozen=True, slots=True)
class _Said:
    """Which words a text says; those that stand nowhere in it are not asked about."""

    text: str
    hits: frozenset[str] | None

    def of(self, words: tuple[str, ...]) -> tuple[str, ...]:
        hits = self.hits
        if hits is None:
            return spoken(words, self.text)
        # Most texts hold none of them.
        return spoken([word for word in words if word.casefold() in hits], self.text) if hits else ()


def _by_words(said: _Said, category: Category, policy: Policy) -> Graded:
    graver = [
        (one.severity, words)
        for one in policy.gradings
        if one.severity < category.severity and (words := said.of(one.words))
    ]
    if not graver:
        why = f"类别 {category.code} {category.name.zh} 为 {category.severity.name} 级 / its category's severity"
        return Graded(severity=category.severity, why=why)
    severity, words = min(graver)
    return Graded(severity=severity, why=f"用词「{'、'.join(words)}」至少 {severity.name} 级 / these words make it so")


def _handovers(said: _Said, category: str | None, policy: Policy) -> tuple[HandOver, ...]:
    found = (
        HandOver(service=one.service, words=words[:WORDS_TOLD])
        for one in policy.emergencies
        if (words := said.of(one.words)) or _is_of(category, one.categories)
    )
    return tuple(found)


def _is_of(category: str | None, families: tuple[str, ...]) -> bool:
    return category is not None and any(category == one or category.startswith(f"{one}.") for one in families)
