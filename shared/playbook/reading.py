"""One located value as a row of its file, or everything that is wrong with it in words."""

from collections.abc import Sequence
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from shared.playbook.files.rows import Row
from shared.playbook.located import Located
from shared.playbook.problems import Problem

RowT = TypeVar("RowT", bound=Row)


def read(kind: type[RowT], located: Located) -> RowT | list[Problem]:
    """Return `located` as a `kind`, or everything that is wrong with it."""
    try:
        return kind.model_validate(located.value)
    except ValidationError as error:
        return [_problem(kind, located, detail) for detail in error.errors(include_url=False)]


def read_all(kind: type[RowT], items: Sequence[Located]) -> tuple[list[tuple[Located, RowT]], list[Problem]]:
    """Return the good ones of `items`, each with its place, and what is wrong with the others.

    All at once where nothing is wrong, which is many times faster than one after the other.
    """
    try:
        rows = _list_of(kind).validate_python([located.value for located in items])
    except ValidationError:
        return _one_by_one(kind, items)
    return list(zip(items, rows, strict=True)), []


def _one_by_one(kind: type[RowT], items: Sequence[Located]) -> tuple[list[tuple[Located, RowT]], list[Problem]]:
    rows: list[tuple[Located, RowT]] = []
    problems: list[Problem] = []
    for located in items:
        row = read(kind, located)
        if isinstance(row, list):
            problems += row
        else:
            rows.append((located, row))
    return rows, problems


@cache
def _list_of(kind: type[RowT]) -> TypeAdapter[list[RowT]]:
    return TypeAdapter(list[kind])  # type: ignore[valid-type]  # the row's class is a value here


def _problem(kind: type[Row], located: Located, detail: ErrorDetails) -> Problem:
    path = tuple(part for part in detail["loc"] if part != "[key]")
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return located.problem(path, "is missing")
        case "extra_forbidden":
            return located.problem(path, "nobody reads this field", _fields_around(kind, path))
        case "enum" | "literal_error":
            allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            return located.problem(path, f"{detail['input']!r} is not known", allowed)
        case "string_pattern_mismatch":
            return located.problem(path, f"{detail['input']!r} has a wrong form", [str(context["pattern"])])
        case _:
            allowed = [str(context["allowed"])] if "allowed" in context else []
            return located.problem(path, detail["msg"], allowed)


def _fields_around(kind: type[Row], path: Sequence[str | int]) -> list[str]:
    """Name the fields of the node in which the unknown field at `path` stands."""
    here: type[BaseModel] = kind
    for step in path[:-1]:
        info = here.model_fields.get(str(step)) if isinstance(step, str) else None
        inner = _row_type(info.annotation) if info is not None else here
        here = inner if inner is not None else here
    return [info.alias or name for name, info in here.model_fields.items()]


def _row_type(annotation: object) -> type[BaseModel] | None:
    """Find the row type inside `tuple[Row, ...]`, `Row | None` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_row_type(inner) for inner in getattr(annotation, "__args__", ()))
    return next((row for row in found if row is not None), None)
