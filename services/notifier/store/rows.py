"""Values to JSON and back, as they lie in columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, TypeVar

import msgspec

T = TypeVar("T")


def text_of(value: Any) -> str:  # noqa: ANN401  any dataclass, list or mapping
    """Write ``value`` as one line of JSON."""
    return msgspec.json.encode(value).decode()


def raw(value: Any) -> msgspec.Raw:  # noqa: ANN401
    """JSON to stand inside other JSON as it is."""
    return msgspec.Raw(msgspec.json.encode(value))


def value_of(kind: type[T], text: str) -> T:
    """Read what ``text_of`` wrote."""
    value: T = _decoder(kind).decode(text)
    return value


def records(rows: Iterable[dict[str, Any]]) -> str:
    """Rows for ``json_to_recordset``: one parameter whatever their number, arrays included."""
    return msgspec.json.encode(list(rows)).decode()


_DECODERS: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def _decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    """The decoder of ``kind``; built once, it is costly."""
    decoder = _DECODERS.get(kind)
    if decoder is None:
        decoder = _DECODERS[kind] = msgspec.json.Decoder(kind)
    return decoder
