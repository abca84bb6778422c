"""One located value as a row of its file, or everything that is wrong with it in words."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from shared.playbook.files.rows import Row
from shared.playbook.located import Located
from shared.playbook.near import meant, nearest
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
            fields = _fields_around(kind, path, located.value)
            said = f"nobody reads this field{meant(str(path[-1]), fields)}"
            return located.problem(path, said, nearest(str(path[-1]), fields, at_most=len(fields)))
        case "enum" | "literal_error":
            allowed = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
            said = f"{detail['input']!r} is not known{meant(str(detail['input']), allowed)}"
            return located.problem(path, said, allowed)
        case "union_tag_invalid":
            allowed = str(context["expected_tags"]).replace("'", "").split(", ")
            return located.problem(path, f"{context['tag']!r} is not known{meant(context['tag'], allowed)}", allowed)
        case "string_pattern_mismatch":
            return located.problem(path, f"{detail['input']!r} has a wrong form", [str(context["pattern"])])
        case _:
            allowed = [str(context["allowed"])] if "allowed" in context else []
            return located.problem(path, detail["msg"], allowed)


def _fields_around(kind: type[Row], path: Sequence[str | int], value: object) -> list[str]:
    """Name the fields of the node in which the unknown field at `path` of `value` stands."""
    here: type[BaseModel] = kind
    annotation: object = kind
    for step in path[:-1]:
        value = _inside(value, step)
        info = _field(here, step)
        annotation = info.annotation if info is not None else annotation
        here = _row_type(annotation, value) or here
    return [info.alias or name for name, info in here.model_fields.items()]


def _field(kind: type[BaseModel], step: str | int) -> FieldInfo | None:
    named = (info for name, info in kind.model_fields.items() if step in (name, info.alias))
    return next(named, None)


def _inside(value: object, step: str | int) -> object:
    try:
        return value[step]  # type: ignore[index]  # what does not fit is not looked into any further
    except (LookupError, TypeError):
        return None


def _row_type(annotation: object, value: object) -> type[BaseModel] | None:
    """Find the row type inside `tuple[Row, ...]`, `Row | None` and the like; of several, the one that `value` means."""
    kinds = list(_row_types(annotation))
    keys = set(value) if isinstance(value, dict) else set()
    fitting = (
        kind for kind in kinds if any(name in keys for name, info in kind.model_fields.items() if info.is_required())
    )
    return next(fitting, kinds[0] if kinds else None)


def _row_types(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _row_types(inner)
