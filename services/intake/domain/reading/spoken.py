"""Which words a text says of what is so now, and which it denies, fears or remembers.

「没有人员受伤」 is no emergency and 「防火灾」 no fire; 「怕是着火了」 is one. Only what stands beside the word in its
own clause counts, and one plain mention among several denied is enough: a needless call is better than a missed one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

_CLAUSE_ENDS: Final = re.compile(r"[,，。．.！!？?；;：:\n、]")
_FILLER: Final = (
    r"(?:任何|人员|群众|居民|住户|老人|孩子|乘客|人|发生|造成|出现|引发|引起|导致"
    r"|听到|看到|发现|接到|见|有|明显|大的?|再|被|的)*"
)
_DENIED: Final = re.compile(
    rf"(?:并未|并非|并没有?|没有|没|未|不是|不属于|暂无|尚无|均无|无){_FILLER}(?:(?:伤亡|受伤|被困|死亡)(?:和|或|及|与))?$"
)
"""A denial, and nothing between it and the word but words without a meaning of their own."""
_FEARED: Final = re.compile(
    r"(?:万一|如果|要是|假如|一旦|倘若|担心|害怕|恐怕|生怕|怕|以免|避免|防止|谨防|预防|严防|防范"
    r"|容易|易|可能|险些|差点|差一点|会不会|随时)"
    r"[^,，。]{0,8}$"
)
_GUARDED: Final = re.compile(r"防$")
_PAST: Final = re.compile(r"(?:去年|前年|曾经|曾|以前|上次|之前|当年|早年|多年前|往年)[^,，。]{0,8}$")
_ABOUT: Final = re.compile(
    r"(?:的)?(?:隐患|风险|演练|演习|预案|预防|防范|知识|宣传|培训|的?危险|的?可能|怎么办|保险|逃生|事故率)"
)
_SINCE: Final = re.compile(r"了|中(?!心|学|队)|着")
"""Behind the word: it has happened or goes on, so that a fear is one no more."""


def spoken(words: Iterable[str], text: str) -> tuple[str, ...]:
    """Those of ``words`` that ``text`` says of the present at least once, upper and lower case alike, in their order.

    A word that stands inside a longer one of them counts by itself as well.
    """
    folded = text.casefold()
    return tuple(word for word in words if any(_is_said(folded, span) for span in _mentions(word.casefold(), folded)))


def _mentions(word: str, folded: str) -> Iterable[tuple[int, int]]:
    # Nearly every word is in no text, and to look for it so costs a tenth of asking its pattern.
    if word not in folded:
        return ()
    return (match.span() for match in _pattern(word).finditer(folded))


@lru_cache(maxsize=4096)
def _pattern(word: str) -> re.Pattern[str]:
    return re.compile(re.escape(word))


def _is_said(folded: str, span: tuple[int, int]) -> bool:
    start, end = span
    before = _CLAUSE_ENDS.split(folded[max(0, start - 24) : start])[-1]
    after = folded[end : end + 6]
    if _DENIED.search(before) or _GUARDED.search(before) or _ABOUT.match(after):
        return False
    if _PAST.search(before):
        return False
    return _SINCE.match(after) is not None or _FEARED.search(before) is None
