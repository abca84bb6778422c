"""The digest that names a playbook's content, whatever its files or its record look like."""

import hashlib
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

BREATH_SECONDS: Final = 0.0005
SLICE: Final = 1000
"""Rows of a list that are read in one step: some milliseconds, in which no other thread of the process runs."""


def digest_of(content: Mapping[str, Any]) -> str:
    """Return the SHA-256, in hex, of `content` in canonical JSON without its own `digest`.

    Canonical: keys sorted, no blanks, UTF-8, numbers as Python's shortest form. It is taken of the
    content as published, not of what today's model makes of it: a model that has grown a field
    still agrees with records written before.
    """
    canonical = json.dumps(_rest(content), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def is_digest_of_parts(parts: Mapping[str, msgspec.Raw], digest: str) -> bool:
    """Say whether `digest` is `digest_of` the content whose fields these are, slice by slice.

    Numbers of unusual size are written otherwise by the quick writer; a hash that agrees needs no second opinion.
    """
    for written in (_quick, _exact):
        seal = hashlib.sha256()
        try:
            for text in _canonical(parts, written):
                seal.update(text)
        except (OverflowError, TypeError, ValueError):
            continue
        if seal.hexdigest() == digest:
            return True
    return False


def slices(part: msgspec.Raw | None) -> list[bytes]:
    """Return a list's text as texts of lists of at most `SLICE` rows; nothing when it is no list."""
    try:
        rows = msgspec.json.decode(part or b"", type=list[msgspec.Raw])
    except msgspec.DecodeError:
        return []
    return [msgspec.json.encode(rows[start : start + SLICE]) for start in range(0, len(rows), SLICE)]


def one_by_one(texts: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the slices and let other threads in before each: this one would take the interpreter back at once."""
    for text in texts:
        time.sleep(BREATH_SECONDS)
        yield text


def _canonical(parts: Mapping[str, msgspec.Raw], written: Callable[[Any], bytes]) -> Iterator[bytes]:
    """Yield the canonical text of the content without its digest, piece by piece."""
    before = b"{"
    for name in sorted(name for name in parts if name != "digest"):
        yield before + written(name) + b":"
        rows = slices(parts[name])
        if len(rows) > 1:
            # Each slice is a list of its own: its brackets go, and commas stand between.
            inner = (written(msgspec.json.decode(text))[1:-1] for text in one_by_one(rows))
            yield b"[" + next(inner)
            yield from (b"," + text for text in inner)
            yield b"]"
        else:
            yield written(msgspec.json.decode(parts[name]))
        before = b","
    yield b"}" if before == b"," else b"{}"


def _quick(value: object) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _exact(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _rest(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name != "digest"}
