"""Which fields a body may have, read from the type that it is taken as: an error about a body names them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Final, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from starlette.types import Scope

MISSING: Final = "missing"
UNKNOWN: Final = "extra_forbidden"
NO_OBJECT: Final = frozenset({"model_type", "model_attributes_type", "dict_type"})
KNOWN: Final = "known"
"""Under this name an error carries the names that are known where it happened."""
WANTED: Final = "wanted"
"""Under this name an error carries what should stand there instead of nothing, or of something else."""


def body_of(scope: Scope) -> Any:  # noqa: ANN401  a type as annotations write them
    """The type that the endpoint of a request takes its body as; None when it takes none, or reads it by itself."""
    field = getattr(scope.get("route"), "body_field", None)
    return None if field is None else field.field_info.annotation


def described(
    errors: Iterable[Mapping[str, Any]],
    kind: Any,  # noqa: ANN401  a type as annotations write them
    *,
    under: tuple[str, ...] = ("body",),
) -> list[Mapping[str, Any]]:
    """Pydantic's errors about a ``kind`` that stands ``under`` a place, with the fields that are known there."""
    return [_described(error, kind, under) for error in errors]


def _described(error: Mapping[str, Any], kind: Any, under: tuple[str, ...]) -> Mapping[str, Any]:  # noqa: ANN401
    place = tuple(error["loc"])
    if kind is None or place[: len(under)] != under or KNOWN in error or WANTED in error:
        return error
    path = place[len(under) :]
    if error["type"] == UNKNOWN:
        names = [name for model in _models(kind, path[:-1]) for name in _names(model)]
        return {**error, KNOWN: tuple(dict.fromkeys(names))} if names else error
    if error["type"] in NO_OBJECT or (error["type"] == MISSING and not path):
        return {**error, WANTED: _wanted(kind, path)}
    return error


def _wanted(kind: Any, path: Sequence[object]) -> str:  # noqa: ANN401
    """What should stand at ``path``, in words."""
    found = _at(kind, path)
    listed = [part for one in found if get_origin(one) in _LISTS for part in _plain(get_args(one)[0])]
    models = [one for one in listed or found if _is_model(one)]
    what = "a JSON list of objects" if listed else "a JSON object"
    if not models:
        return what
    needed = [name for name, field in _fields(models[0]) if field.is_required()]
    if needed:
        return f"{what} with {', '.join(needed)}"
    return f"{what}; known fields: {', '.join(_names(models[0]))}"


def _models(kind: Any, path: Sequence[object]) -> list[type[BaseModel]]:  # noqa: ANN401
    return [one for one in _at(kind, path) if _is_model(one)]


def _at(kind: Any, path: Sequence[object]) -> list[Any]:  # noqa: ANN401
    """The types that may stand at ``path`` in a ``kind``; none where the path leads through something unusual."""
    found = list(_plain(kind))
    for part in path:
        found = [inner for one in found for inner in _inside(one, part)]
    return found


def _inside(kind: Any, part: object) -> Iterator[Any]:  # noqa: ANN401
    if _is_model(kind):
        for name, field in _fields(kind):
            if name == part:
                yield from _plain(field.annotation)
    elif get_origin(kind) in _LISTS and isinstance(part, int):
        yield from _plain(get_args(kind)[0])
    elif get_origin(kind) is dict:
        yield from _plain(get_args(kind)[1])


def _plain(kind: Any) -> Iterator[Any]:  # noqa: ANN401
    """The types that an annotation stands for."""
    if get_origin(kind) is Annotated:
        yield from _plain(get_args(kind)[0])
    elif get_origin(kind) in _UNIONS:
        for one in get_args(kind):
            yield from _plain(one)
    else:
        yield kind


def _fields(model: type[BaseModel]) -> Iterator[tuple[str, FieldInfo]]:
    """Each field by the name that a caller writes."""
    return ((field.alias or name, field) for name, field in model.model_fields.items())


def _names(model: type[BaseModel]) -> list[str]:
    return [name for name, _ in _fields(model)]


def _is_model(kind: Any) -> bool:  # noqa: ANN401
    return isinstance(kind, type) and issubclass(kind, BaseModel)


_LISTS: Final = (list, tuple, set, frozenset)
_UNIONS: Final = (Union, type(int | str))
