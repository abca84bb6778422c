"""The two refusals: a final no, and bytes that nobody can read."""

from __future__ import annotations

from collections.abc import Sequence


class Refused(Exception):  # noqa: N818  a refusal is an answer, not a fault
    """A final no: retrying the same request cannot help.

    ``allowed`` says what would have been accepted instead, in words or codes a caller can show.
    """

    def __init__(self, reason: str, *, field: str | None = None, allowed: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.allowed = tuple(allowed)


class Malformed(Exception):  # noqa: N818  named for what the bytes are
    """Bytes that nobody can read; they belong on the dead-letter topic with this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
