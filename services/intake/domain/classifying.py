"""What a report is about: the category it names, or the one whose words it uses."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Final, TypeAlias

from shared.playbook.model import Category, Playbook
from shared.vocabulary import Refused

NEAR_ONES: Final = 5
WORDS_SHOWN: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Classified:
    """The category, the condition its words speak for, and why."""

    category: Category
    condition: str | None
    why: str


def classify(named: str | None, text: str, *, playbook: Playbook) -> Classified:
    """The category ``named``, else the one whose words fill most of ``text``, else the playbook's last resort.

    Of two that fit alike the more special one counts, then the smaller code.

    Raises:
        Refused: ``named`` is not in the playbook; ``allowed`` lists near ones.
    """
    if named is not None:
        return _as_named(named, text, playbook)
    folded = text.casefold()
    fits = [(category, found) for category, words in _vocabulary(playbook) if (found := _found(words, folded))]
    if not fits:
        other = last_resort(playbook)
        why = f"没有类别用词,归入 {other.code} {other.name.zh} / no category's words are in the text"
        return Classified(category=other, condition=None, why=why)
    best, words = min(fits, key=lambda fit: (-sum(map(len, fit[1])), -_depth(fit[0].code, playbook), fit[0].code))
    why = f"用词「{'、'.join(words[:WORDS_SHOWN])}」属于 {best.code} {best.name.zh} / these words speak for it"
    return Classified(category=best, condition=_condition(best, folded), why=why)


def last_resort(playbook: Playbook) -> Category:
    """The category for what no words fit: the wordless one inside the family called other (其他).

    Without such a family, the last of the tree's roots.
    """
    return _last_resort(_Playbook(playbook))


class _Playbook:
    """A playbook as a key of a cache: two with one digest are one, and the cache keeps its categories alone alive."""

    def __init__(self, playbook: Playbook) -> None:
        self.digest = playbook.digest
        self.categories = playbook.categories

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Playbook) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)


@lru_cache(maxsize=64)
def _last_resort(key: _Playbook) -> Category:
    categories = key.categories.values()
    family = max(categories, key=lambda one: (_is_other(one), one.parent is None, one.code))
    wordless = [one for one in categories if one.parent == family.code and not one.words and _is_other(family)]
    return min(wordless, key=lambda one: one.code, default=family)


def _is_other(category: Category) -> bool:
    return category.code == "other" or category.name.zh.startswith("其他") or category.name.en.lower() == "other"


def _as_named(named: str, text: str, playbook: Playbook) -> Classified:
    category = playbook.categories.get(named)
    if category is None:
        raise Refused(
            f"category {named} is not in the playbook of {playbook.name.zh} ({playbook.county})",
            field="category",
            allowed=_near(named, playbook),
        )
    why = f"报告给出类别 {category.code} {category.name.zh} / the report names the category"
    return Classified(category=category, condition=_condition(category, text.casefold()), why=why)


def _near(named: str, playbook: Playbook) -> list[str]:
    near = get_close_matches(named, playbook.categories, n=NEAR_ONES, cutoff=0.5)
    chosen = near or sorted(playbook.categories)[:NEAR_ONES]
    return [f"{code} {playbook.categories[code].name.zh}" for code in chosen]


_Words: TypeAlias = tuple[tuple[str, str], ...]
"""Each word as the playbook writes it and as it is looked for."""


def _vocabulary(playbook: Playbook) -> tuple[tuple[Category, _Words], ...]:
    return _folded(_Playbook(playbook))


@lru_cache(maxsize=64)
def _folded(key: _Playbook) -> tuple[tuple[Category, _Words], ...]:
    categories = key.categories.values()
    return tuple((one, tuple((word, word.casefold()) for word in one.words)) for one in categories if one.words)


def _found(words: _Words, folded: str) -> list[str]:
    return [word for word, looked_for in words if looked_for in folded]


def _condition(category: Category, folded: str) -> str | None:
    scored = [
        (sum(len(word) for word in condition.words if word.casefold() in folded), condition.code)
        for condition in category.conditions
    ]
    score, code = max(scored, key=lambda pair: pair[0], default=(0, ""))
    return code if score > 0 else None


def _depth(code: str, playbook: Playbook) -> int:
    return len(playbook.category_line(code))
