"""An expression ready to be asked, of any case."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import cel

from shared.playbook.expression.checker import Known, typed
from shared.playbook.expression.fields import BOOL, FIELDS, INT, STRING, TIMESTAMP, Value, item_of
from shared.playbook.expression.grammar import BadExpression

LONGEST: Final = 1000
"""Characters: the engine reads by recursion, and nobody reads more."""
_PLACE: Final = re.compile(r"ERROR: <input>:(\d+):(\d+): (?:Syntax error: )?(.*)")
_SAMPLES: Final[Mapping[str, Value]] = {
    INT: 1,
    STRING: "x",
    BOOL: True,
    TIMESTAMP: datetime(2026, 1, 1, tzinfo=UTC),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Whether an expression holds; `trouble` says why it could not be told, and then it does not."""

    holds: bool
    trouble: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """A typed expression; `fields` are those of `FIELDS` that it names, sorted."""

    source: str
    fields: tuple[str, ...]
    _program: cel.Program = field(repr=False, compare=False)

    def answer(self, values: Mapping[str, Value]) -> Answer:
        """Say whether it holds for `values`, which must have all of `fields` (see `values_of`)."""
        try:
            return Answer(holds=self._program.execute(dict(values)) is True)
        except (RuntimeError, TypeError, ValueError, ArithmeticError) as error:
            # Types are checked at load; what is left is a sum beyond 64 bits. It must not stop the topic.
            return Answer(holds=False, trouble=_in_a_line(str(error)))


def compiled(source: str, known: Known | None = None) -> Expression:
    """Return `source` compiled and typed; `known` has all values of text fields that a playbook closes.

    Raises:
        BadExpression: it cannot be read, names what is not there, or is not true or false.
    """
    program = _read(source)
    found = typed(source, known or {})
    for at, call, text in found.fixed:
        _try(cel.compile(call), {"p": text}, at=at)
    samples = {name: ["x"] if item_of(kind := FIELDS[name].kind) else _SAMPLES[kind] for name in found.fields}
    answer = _try(program, samples, at=0)
    if not isinstance(answer, bool):
        raise BadExpression(0, f"it gives {answer!r}", (BOOL,))
    return Expression(source=source, fields=found.fields, _program=program)


def _read(source: str) -> cel.Program:
    if len(source) > LONGEST:
        raise BadExpression(LONGEST, f"{len(source)} characters are too many", (f"up to {LONGEST}",))
    try:
        return cel.compile(source)
    except ValueError as error:
        found = _PLACE.search(str(error))
        if found is None:
            raise BadExpression(0, _in_a_line(str(error))) from None
        line, column, said = int(found[1]), int(found[2]), found[3]
        start = sum(len(each) for each in source.splitlines(keepends=True)[: line - 1])
        problem, _, expected = said.partition(" expecting ")
        raise BadExpression(start + column - 1, problem, (expected,) if expected else ()) from None


def _try(program: cel.Program, values: dict[str, Value], *, at: int) -> object:
    """Evaluate once, so that a bad pattern or date is found now and not at the first case."""
    try:
        return program.execute(values)
    except (RuntimeError, TypeError, ValueError, ArithmeticError) as error:
        raise BadExpression(at, _in_a_line(str(error))) from None


def _in_a_line(words: str) -> str:
    return " ".join(words.split())[:300]
