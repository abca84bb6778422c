"""Which of many words stand in a text, found in one pass whatever their number (Aho-Corasick)."""

from collections.abc import Iterable

import ahocorasick

from services.router.domain.senses import Hits

NOTHING: frozenset[str] = frozenset()


def one_pass(words: Iterable[str]) -> Hits:
    """Return what finds each of `words` in a text; the same as `senses.each_word`, in one pass."""
    automaton = ahocorasick.Automaton()
    empty = False
    for word in words:
        if word:
            automaton.add_word(word, word)
        empty = empty or not word
    always = frozenset({""}) if empty else NOTHING
    if not len(automaton):
        return lambda text: always  # noqa: ARG005  the same for every text
    automaton.make_automaton()

    def hits(text: str) -> frozenset[str]:
        found = frozenset(word for _, word in automaton.iter(text))
        return found | always if always else found

    return hits
