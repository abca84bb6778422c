"""A failure as a person needs it: what failed, why, and how to mend it."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
MISUSED: Final = 2
BROKEN: Final = 70
"""Exit status when the program itself is at fault (EX_SOFTWARE of sysexits.h)."""


class Trouble(Exception):  # noqa: N818  it is a message to a person
    """Ends a command with a message and an exit status; never shown as a traceback."""

    def __init__(self, what: str, *, why: str, mend: str, status: int = FAILED) -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.mend = mend
        self.status = status
