"""A rule's CEL expression as something that can be looked at, tried and told."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, Final

from services.router.domain.facts import Facts
from shared.playbook.expression import Asking, BadExpression, Expression, compiled, values_of

VOLATILE: Final = frozenset({"text", "at", "opened_at"})
"""Fields that differ from case to case: what an expression makes of them is looked at, and not they."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expressed:
    """One expression: `look` takes from a case all that it depends on, `holds` and `show` go by that."""

    look: Callable[[Facts], Hashable]
    holds: Callable[[Any], bool]
    show: Callable[[Any], str]


def expressed(source: str, zone: tzinfo) -> Expressed:
    """Return `source` ready to try; one that cannot be read holds for no case, and says why."""
    try:
        expression = compiled(source)
    except BadExpression as error:
        # The loader refuses it; a record of another release must not stop the county's cases.
        return _never(f"cannot be read: {error}")
    return _by_answer(expression, zone) if VOLATILE & set(expression.fields) else _by_values(expression, zone)


def _never(trouble: str) -> Expressed:
    return Expressed(look=lambda _: trouble, holds=lambda _: False, show=str)


def _by_values(expression: Expression, zone: tzinfo) -> Expressed:
    names = expression.fields

    def look(facts: Facts) -> Hashable:
        seen = values_of(names, _asking(facts, zone))
        return tuple(tuple(value) if isinstance(value, list) else value for value in seen.values())

    def values(seen: tuple[Any, ...]) -> dict[str, Any]:
        pairs = zip(names, seen, strict=True)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in pairs}

    return Expressed(
        look=look,
        holds=lambda seen: expression.answer(values(seen)).holds,
        show=lambda seen: _shown(values(seen)) + _troubled(expression.answer(values(seen)).trouble),
    )


def _by_answer(expression: Expression, zone: tzinfo) -> Expressed:
    def look(facts: Facts) -> Hashable:
        seen = values_of(expression.fields, _asking(facts, zone))
        answer = expression.answer(seen)
        steady = {name: value for name, value in seen.items() if name not in VOLATILE}
        said = ", ".join(part for part in (str(answer.holds).lower(), _shown(steady)) if part)
        return answer.holds, said + _troubled(answer.trouble)

    return Expressed(look=look, holds=lambda seen: bool(seen[0]), show=lambda seen: str(seen[1]))


def _asking(facts: Facts, zone: tzinfo) -> Asking:
    return Asking(case=facts.case, text=facts.text, at=facts.at, zone=zone)


def _shown(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} = {_written(value)}" for name, value in values.items())


def _written(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    return ", ".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _troubled(trouble: str) -> str:
    return f" ({trouble})" if trouble else ""
