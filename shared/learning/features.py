"""A text as the features that a model counts: its words, and pairs of characters for what no dictionary knows."""

from __future__ import annotations

import re
from typing import Final

import rjieba

PAIR: Final = "#"
"""Before a pair of characters, so that it is never taken for a word of two."""
LONGEST: Final = 8000
"""Characters of a text that are looked at."""
_SIGNS: Final = re.compile(r"[^0-9A-Za-z\u3400-\u9fff]+")
_DIGIT: Final = re.compile(r"\d")


def features(text: str) -> list[str]:
    """The words of ``text`` in their order, then each pair of neighbouring characters, marked.

    Signs are left out, and so is whatever holds a digit: numbers say little of the kind of a matter, and a
    telephone number must not become part of a model.
    """
    plain = _SIGNS.sub(" ", text[:LONGEST].casefold())
    words = [word for word in rjieba.cut(plain) if not word.isspace() and not _DIGIT.search(word)]
    joined = "".join(words)
    return words + [PAIR + joined[at : at + 2] for at in range(len(joined) - 1)]


def is_word(feature: str) -> bool:
    """Whether a person can read ``feature`` as a word: no pair of characters, and more than one."""
    return len(feature) > 1 and not feature.startswith(PAIR)
