"""Which of many words stand in a text, found in one pass whatever their number (Aho-Corasick)."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Final

import ahocorasick

Hits = Callable[[str], frozenset[str]]
"""From a text without case to those of the wanted words that stand in it."""

FINDERS: Final = 8
"""Finders kept at most: versions of a playbook mostly ask for the same words, and then share one."""


def each_word(words: Iterable[str]) -> Hits:
    """Find words by looking for one after the other: what any faster finder must equal."""
    wanted = frozenset(words)
    return lambda text: frozenset(word for word in wanted if word in text)


def one_pass(words: Iterable[str]) -> Hits:
    """Return what finds each of `words` in a text; the same as `each_word`, in one pass."""
    return _finder(frozenset(words))


@lru_cache(maxsize=FINDERS)
def _finder(wanted: frozenset[str]) -> Hits:
    automaton = ahocorasick.Automaton()
    for word in filter(None, wanted):
        automaton.add_word(word, word)
    always = frozenset({""}) & wanted
    if not len(automaton):
        return lambda text: always  # noqa: ARG005  the same for every text
    automaton.make_automaton()
    last: tuple[str, frozenset[str]] = "", always

    def hits(text: str) -> frozenset[str]:
        # The index and the conditions ask about one case after the other: the same text, not an equal one.
        nonlocal last
        known = last
        if known[0] is not text:
            known = last = text, frozenset(word for _, word in automaton.iter(text)) | always
        return known[1]

    return hits
