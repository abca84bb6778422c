"""A stream of bytes cut into lines, each with its number and none longer than may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

LINE_BYTES: Final = 256 * 1024
"""As much as the body of a single report."""


class Lines:
    """Cuts what it is fed; holds one line at most. Empty lines are counted and passed over."""

    def __init__(self, most: int = LINE_BYTES) -> None:
        self._most = most
        self._number = 0
        self._begun = bytearray()
        self._too_long = False

    def feed(self, chunk: bytes) -> Iterator[tuple[int, bytes | None]]:
        """The lines that end in ``chunk``, each with its number from 1; None instead of one that is too long."""
        *ended, rest = chunk.split(b"\n")
        for part in ended:
            yield from self._end(part)
        self._take(rest)

    def close(self) -> Iterator[tuple[int, bytes | None]]:
        """The last line, when no line feed stood behind it."""
        if self._begun or self._too_long:
            yield from self._end(b"")

    def _take(self, part: bytes) -> None:
        self._too_long = self._too_long or len(self._begun) + len(part) > self._most
        if self._too_long:
            self._begun.clear()
        else:
            self._begun += part

    def _end(self, part: bytes) -> Iterator[tuple[int, bytes | None]]:
        self._number += 1
        self._take(part)
        line, too_long = bytes(self._begun).strip(b" \t\r"), self._too_long
        self._begun.clear()
        self._too_long = False
        if too_long:
            yield self._number, None
        elif line:
            yield self._number, line
