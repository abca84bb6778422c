"""What may stand in an expression: kinds, functions and signs, and a part of it as the checker sees it."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from shared.playbook.expression.fields import DOUBLE, DURATION, INT, STRING, TIMESTAMP, item_of
from shared.playbook.expression.tokens import Token

TESTS: Final = {"startsWith", "endsWith", "contains"}
CLOCK: Final = (
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
    "getHours", "getMinutes", "getSeconds",
)  # fmt: skip
SPAN: Final = ("getHours", "getMinutes", "getSeconds")
EACH: Final = ("exists", "all", "exists_one", "filter", "map")
GLOBAL: Final = ("size", "timestamp", "duration")
ORDERED: Final = {INT, DOUBLE, STRING, TIMESTAMP, DURATION}
INSTANT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
LENGTH: Final = re.compile(r"([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?")
SUMS: Final[Mapping[tuple[str, str, str], str]] = {
    **{("+", kind, kind): kind for kind in (INT, DOUBLE, STRING, DURATION)},
    **{("-", kind, kind): kind for kind in (INT, DOUBLE, DURATION)},
    **{("*", kind, kind): kind for kind in (INT, DOUBLE)},
    ("+", TIMESTAMP, DURATION): TIMESTAMP,
    ("+", DURATION, TIMESTAMP): TIMESTAMP,
    ("-", TIMESTAMP, DURATION): TIMESTAMP,
    ("-", TIMESTAMP, TIMESTAMP): DURATION,
}


class BadExpression(Exception):  # noqa: N818  named for what it is
    """What is wrong in an expression: where (`at`, counted from 0), and what is allowed."""

    def __init__(self, at: int, problem: str, allowed: Collection[str] = ()) -> None:
        """Keep the parts; `str` is the problem."""
        super().__init__(problem)
        self.at = at
        self.problem = problem
        self.allowed = tuple(map(str, allowed))


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of an expression: its kind, the field it is, the texts that it spells out, where it begins."""

    kind: str
    at: int
    field: str | None = None
    texts: tuple[str, ...] = ()


LITERALS: Final = ("a field", "a number", 'a "text"', "true, false", "[a, list]", "(…)")


def methods_of(kind: str) -> tuple[str, ...]:
    if item_of(kind) is not None:
        return (*EACH, "size")
    return {STRING: (*sorted(TESTS), "matches"), TIMESTAMP: CLOCK, DURATION: SPAN}.get(kind, ())


def spelled_out(name: Token, argument: Part) -> Part:
    """Return the instant or length of time of a text that must stand there in full."""
    pattern, kind, example = {
        "timestamp": (INSTANT, TIMESTAMP, 'timestamp("2026-11-21T08:00:00+08:00")'),
        "duration": (LENGTH, DURATION, 'duration("48h"), duration("1h30m")'),
    }[name.text]
    if argument.kind != STRING or len(argument.texts) != 1 or not pattern.fullmatch(argument.texts[0] or "-"):
        raise BadExpression(argument.at, f"no {kind}", (example,))
    return Part(kind=kind, at=name.at)


def spelled(literal: str) -> str:
    """Return the text that a literal means, as far as playbooks write any; the engine reads it by itself."""
    raw = literal[0] in "rR"
    body = literal[1:] if raw else literal
    quotes = 3 if body[:3] in ('"""', "'''") else 1
    text = body[quotes:-quotes]
    return text if raw else re.sub(r"\\(.)", r"\1", text)
