"""The department that a field of the case names: one rule instead of three hundred."""

from collections.abc import Iterator
from typing import NamedTuple, assert_never

from shared.events.parts import CaseView
from shared.playbook.model import CaseField, FieldTarget, Playbook


class Named(NamedTuple):
    """A department of the playbook, and the value that named it."""

    department: str
    value: str


def named_by_field(target: FieldTarget, case: CaseView, playbook: Playbook) -> Named | None:
    """Return the first department that a value of the field names; None when none does."""
    for value in values_of(target.of, case):
        department = _looked_up(target, value, playbook) if value.startswith(target.prefix) else None
        if department is not None and department in playbook.departments:
            return Named(department, value)
    return None


def values_of(field: CaseField, case: CaseView) -> Iterator[str]:
    """Yield the values of a field: several for tags, none where the case has none."""
    match field:
        case CaseField.TAG:
            yield from case.tags
        case CaseField.CATEGORY:
            yield case.category
        case CaseField.CONDITION:
            yield from () if case.condition is None else (case.condition,)
        case CaseField.SOURCE:
            yield case.source.value
        case CaseField.AREA:
            yield case.area
        case _:
            assert_never(field)


def _looked_up(target: FieldTarget, value: str, playbook: Playbook) -> str | None:
    rest = value[len(target.prefix) :]
    if not target.table:
        return rest
    return next((target.table[key] for key in _keys(target.of, rest, playbook) if key in target.table), None)


def _keys(field: CaseField, rest: str, playbook: Playbook) -> Iterator[str]:
    """Yield the entries that cover the value, longest first: of trees also what stands above it."""
    match field:
        case CaseField.CATEGORY:
            yield rest
            yield from (above.code for above in playbook.category_line(rest))
        case CaseField.AREA:
            yield from (rest[:digits] for digits in range(len(rest), 0, -1))
        case _:
            yield rest
