"""The words of a CEL expression, each with its place."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final


class Shape(Enum):
    """What kind of word it is."""

    NAME = auto()
    INT = auto()
    DOUBLE = auto()
    STRING = auto()
    OTHER_LITERAL = auto()
    """A literal of CEL that rules have no use for: bytes, unsigned numbers."""
    SIGN = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One word and where it begins, counted from 0."""

    shape: Shape
    text: str
    at: int


_WORDS: Final = re.compile(
    r"""
      (?P<blank>\s+|//[^\n]*)
    | (?P<string>[rR]?(?:\"\"\".*?\"\"\"|'''.*?'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'))
    | (?P<other_literal>[bB][rR]?["']|(?:0x[0-9a-fA-F]+|[0-9]+)[uU])
    | (?P<double>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    | (?P<int>0x[0-9a-fA-F]+|[0-9]+)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<sign>\|\||&&|==|!=|<=|>=|[-+*/%<>!?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_SHAPES: Final = {
    "string": Shape.STRING,
    "other_literal": Shape.OTHER_LITERAL,
    "double": Shape.DOUBLE,
    "int": Shape.INT,
    "name": Shape.NAME,
    "sign": Shape.SIGN,
}


def tokens(source: str) -> Iterator[Token]:
    """Yield the words of `source`, an end after the last; what is no word at all is an end too."""
    at = 0
    while at < len(source):
        found = _WORDS.match(source, at)
        if found is None:
            break
        kind = found.lastgroup or "blank"
        if kind != "blank":
            yield Token(_SHAPES[kind], found.group(), at)
        at = found.end()
    yield Token(Shape.END, "", at)
