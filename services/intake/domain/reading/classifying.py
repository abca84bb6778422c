"""What a report is about: the category it names, or the one that its words and the learned model speak for."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from services.intake.domain.reading.guessing import NO_OPINION, Fit, Opinion, weigh
from services.intake.domain.reading.vocabulary import last_resort, vocabulary_of
from shared.events.parts import Guess
from shared.playbook.model import Category, Playbook
from shared.vocabulary import Refused

NEAR_ONES: Final = 5
WORDS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """The category, the condition its words speak for, and why; ``guess`` None when the report names it."""

    category: Category
    condition: str | None
    why: str
    guess: Guess | None = None


def classify(named: str | None, text: str, *, playbook: Playbook, opinion: Opinion = NO_OPINION) -> Classified:
    """The category ``named``, else the likeliest by words and ``opinion``, else the playbook's last resort.

    ``gb.01003`` names a matter of the national catalogue: it is the category that stands for it.

    Raises:
        Refused: ``named`` is not in the playbook; ``allowed`` lists near ones.
    """
    if named is not None:
        return _as_named(named, text, playbook)
    known = vocabulary_of(playbook)
    hits = known.hits(text)
    fits = weigh(known.found(hits), opinion, depth=known.depth)
    if not fits:
        other = last_resort(playbook)
        why = f"没有类别用词,归入 {other.code} {other.name.zh} / no category's words are in the text"
        return Classified(category=other, condition=None, why=why, guess=Guess(category=other.code, confidence=0.0))
    return _as_guessed(fits, hits, playbook)


def _as_named(named: str, text: str, playbook: Playbook) -> Classified:
    known = vocabulary_of(playbook)
    code = known.standard.get(named, named)
    category = playbook.categories.get(code)
    if category is None:
        raise Refused(
            f"category {named} is not in the playbook of {playbook.name.zh} ({playbook.county})",
            field="category",
            allowed=_near(named, playbook),
        )
    told = code if code == named else f"{named} 即 {code}"
    why = f"报告给出类别 {told} {category.name.zh} / the report names the category"
    return Classified(category=category, condition=_condition(category, known.hits(text)), why=why)


def _as_guessed(fits: tuple[Fit, ...], hits: frozenset[str], playbook: Playbook) -> Classified:
    best, second = fits[0], fits[1] if len(fits) > 1 else None
    category = playbook.categories[best.code]
    guess = Guess(
        category=best.code,
        confidence=_share(best),
        words=best.words[:WORDS_SHOWN],
        second=None if second is None else second.code,
        second_confidence=0.0 if second is None else _share(second),
    )
    return Classified(
        category=category,
        condition=_condition(category, hits),
        why=_why(guess, category, playbook),
        guess=guess,
    )


def _why(guess: Guess, category: Category, playbook: Playbook) -> str:
    words = f"用词「{'、'.join(guess.words)}」属于 " if guess.words else "归入 "
    second = "" if guess.second is None else playbook.categories[guess.second].name.zh
    other = f",其次 {guess.second} {second} {guess.second_confidence:.0%}" if second else ""
    return (
        f"{words}{category.code} {category.name.zh},把握 {guess.confidence:.0%}{other}"
        " / these words speak for it; confidence, and the second guess"
    )


def _share(fit: Fit) -> float:
    return round(min(1.0, max(0.0, fit.share)), 3)


def _near(named: str, playbook: Playbook) -> list[str]:
    near = get_close_matches(named, playbook.categories, n=NEAR_ONES, cutoff=0.5)
    chosen = near or sorted(playbook.categories)[:NEAR_ONES]
    return [f"{code} {playbook.categories[code].name.zh}" for code in chosen]


def _condition(category: Category, hits: frozenset[str]) -> str | None:
    scored = [
        (sum(len(word) for word in condition.words if word.casefold() in hits), condition.code)
        for condition in category.conditions
    ]
    score, code = max(scored, key=lambda pair: pair[0], default=(0, ""))
    return code if score > 0 else None
