"""Python's cycle collector, kept from standing in the way of who waits for an answer.

A full collection walks every object of the process: playbooks, models and modules that stay. In intake that is 150 to
220 ms, again and again while reports come. So what has outlived one is set apart (``gc.freeze``) and the next looks
only at what is new. What was set apart and has become a cycle of garbage since is found by a look at everything once
an hour.
Reference counts free all that is in no cycle at once, as ever.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping
from typing import Any, Final

EVERYTHING_SECONDS: Final = 3600.0
NEW_OBJECTS: Final = 2_000
"""More made than freed before the youngest are looked at. Python's own 700 are a few reports; at 10,000 one look takes
as long as a batch."""


class Collecting:
    """``begin`` sets what is there apart, ``end`` gives the collector back as it was."""

    def __init__(self, *, everything_seconds: float = EVERYTHING_SECONDS) -> None:
        self._everything_seconds = everything_seconds
        self._looked_at = 0.0
        self._before = gc.get_threshold()

    def begin(self) -> None:
        """Collect once, and from now on only among what is new."""
        self._before, self._looked_at = gc.get_threshold(), time.monotonic()
        gc.callbacks.append(self._told)
        gc.set_threshold(NEW_OBJECTS, *self._before[1:])
        gc.collect()

    def end(self) -> None:
        """As before ``begin``; safe to call twice."""
        if self._told in gc.callbacks:
            gc.callbacks.remove(self._told)
            gc.set_threshold(*self._before)
            gc.unfreeze()

    def _told(self, phase: str, info: Mapping[str, Any]) -> None:
        """Python says that a collection begins or has ended."""
        if info["generation"] != _FULL:
            return
        if phase == "stop":
            gc.freeze()
        elif time.monotonic() - self._looked_at > self._everything_seconds:
            self._looked_at = time.monotonic()
            # Called before the collection itself begins, so that it finds what was set apart among the old.
            gc.unfreeze()


_FULL: Final = 2
