"""Free text as it may be kept: no control characters, no direction tricks, and a title of its first words."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from shared.vocabulary import Refused

TITLE_LENGTH: Final = 80
_CONTROLS: Final = r"\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff"
"""The controls of Unicode without tab and line feed, and halves of pairs: the classes Cc and Cs, which never grow."""
_DIRECTIONS: Final = r"\u202a-\u202e\u2066-\u2069"
"""Characters that turn the reading direction can make a text show other words than it holds."""
_FORBIDDEN: Final = re.compile(f"[{_CONTROLS}{_DIRECTIONS}]")
_FORBIDDEN_IN_A_LINE: Final = re.compile(f"[{_CONTROLS}{_DIRECTIONS}\\t\\n]")
_ENDS: Final = "。！？!?\n"


def clean(text: str, *, field: str, lines: bool = True) -> str:
    """``text`` in NFC with one kind of line end and no space around it; ``lines`` False allows one line only.

    Raises:
        Refused: a control or direction character, naming it and where it stands; or nothing is left.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
    bad = (_FORBIDDEN if lines else _FORBIDDEN_IN_A_LINE).search(text)
    if bad is not None:
        raise Refused(
            f"character {bad.start() + 1} is U+{ord(bad[0]):04X}, which text may not hold",
            field=field,
            allowed=["letters, figures, signs, tab and line feed" if lines else "letters, figures and signs"],
        )
    if not text:
        raise Refused("there is nothing but space", field=field, allowed=["1 or more characters"])
    return text


def title_of(text: str) -> str:
    """The first sentence of ``text``, at most 80 characters."""
    end = min((at for mark in _ENDS if (at := text.find(mark)) > 0), default=len(text))
    first = " ".join(text[:end].split())
    return first if len(first) <= TITLE_LENGTH else first[: TITLE_LENGTH - 1] + "…"


def must_say(words: str, what: str, *, field: str = "reason") -> None:
    """Pass when something is said.

    Raises:
        Refused: otherwise; ``what`` says what is expected.
    """
    if not words.strip():
        raise Refused(f"this needs a {field}", field=field, allowed=[what])
