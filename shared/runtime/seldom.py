"""Keeps a library from filling the log with one sentence while an outage lasts."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

PAUSE_SECONDS: Final = 10.0
SENTENCES_REMEMBERED: Final = 500


class Seldom(logging.Filter):
    """Lets each sentence of one logger family through at most once in ten seconds.

    aiokafka says several things fifty times a second while a broker is away. A sentence is the
    message before its arguments are filled in; ``repeated`` says how many were left out before it.
    """

    def __init__(self, family: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._family = family
        self._monotonic = monotonic
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Say whether the record may be shown."""
        if record.name.split(".", 1)[0] != self._family:
            return True
        if len(self._said) > SENTENCES_REMEMBERED:
            self._said.clear()
        sentence, now = (record.name, str(record.msg)), self._monotonic()
        at, left_out = self._said.get(sentence, (-PAUSE_SECONDS, 0))
        if now - at < PAUSE_SECONDS:
            self._said[sentence] = (at, left_out + 1)
            return False
        self._said[sentence] = (now, 0)
        if left_out:
            record.__dict__["repeated"] = left_out
        return True
