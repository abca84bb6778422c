"""The models that counties have trained, read from a folder and read again when a file changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from services.intake.domain.reading.guessing import NO_OPINION, Opinion
from shared.learning.file import ENDING, BadModel, read_model
from shared.learning.model import TextModel
from shared.runtime.waking import woken

LOOKS: Final = timedelta(seconds=5)
MOST: Final = 256
"""Models that are kept ready; of more files the first by name."""
_AGAIN: Final = (0, 0)
"""The stamp of a file that the disk would not give: it is read again at the next look."""

_LONG_AGO: Final = datetime(1970, 1, 2, tzinfo=UTC)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What a file looked like when it was read; when that is ``refused``, ``model`` is the one before it, if any."""

    stamp: tuple[int, int]
    model: TextModel | None
    refused: bool = False


class Told(Protocol):
    """Whoever wants to know after each look: models in use, files refused, when the oldest in use was trained."""

    def __call__(self, used: int, refused: int, oldest_at: datetime | None) -> None: ...


class LearnedGuesser:
    """See ``ports.Guesser``; a file that cannot be trusted is refused loudly and the one before it stays."""

    def __init__(self, folder: Path | None, *, every: timedelta = LOOKS, told: Told | None = None) -> None:
        self._folder = folder
        self._every = every
        self._told = told
        self._kept: Mapping[str, _Kept] = {}
        self._stopping = asyncio.Event()

    def opinion(self, county: str, text: str) -> Opinion:
        """See ``ports.Guesser.opinion``."""
        kept = self._kept.get(county)
        if kept is None or kept.model is None:
            return NO_OPINION
        likely = kept.model.likeliest(text)
        return Opinion(
            shares={one.category: one.share for one in likely},
            words={one.category: one.words for one in likely if one.words},
        )

    def counties(self) -> tuple[str, ...]:
        """The counties whose model is in use."""
        return tuple(county for county, kept in self._kept.items() if kept.model is not None)

    def look(self) -> None:
        """Read what is new or has changed; forget what is gone. A folder out of reach changes nothing."""
        if self._folder is None:
            return
        try:
            files = sorted(self._folder.glob(f"[0-9]*{ENDING}"))[:MOST]
        except OSError as error:
            # A volume that is away must not end intake: reports are worth more than guesses.
            log.error("the models are out of reach: %s", error, extra={"event.name": "intake.models_away"})  # noqa: TRY400  the reason is all
            return
        self._kept = {path.name.removesuffix(ENDING): kept for path in files if (kept := self._read(path)) is not None}
        self._tell()

    async def run(self) -> None:
        """Look again and again until ``stop``; reading goes on beside the reports."""
        while not self._stopping.is_set():
            await asyncio.to_thread(self.look)
            await woken(self._stopping, within=self._every.total_seconds())

    def stop(self) -> None:
        """End after the look in hand."""
        self._stopping.set()

    def _tell(self) -> None:
        if self._told is not None:
            used = [kept.model for kept in self._kept.values() if kept.model is not None]
            refused = sum(kept.refused for kept in self._kept.values())
            self._told(len(used), refused, min((_trained_at(model) for model in used), default=None))

    def _read(self, path: Path) -> _Kept | None:
        before = self._kept.get(path.name.removesuffix(ENDING))
        try:
            seen = path.stat()
        except FileNotFoundError:
            return None
        except OSError:
            return before
        stamp = (seen.st_mtime_ns, seen.st_size)
        if before is not None and before.stamp == stamp:
            return before
        try:
            model = read_model(path)
        except BadModel as bad:
            log.error("%s", bad.reason, extra={"event.name": "intake.model_refused"})  # noqa: TRY400  the reason is all
            stamp = _AGAIN if isinstance(bad.__cause__, OSError) else stamp
            return _Kept(stamp, None if before is None else before.model, refused=True)
        log.info("%s learned from %d examples", path.name, model.examples, extra={"event.name": "intake.model_read"})
        return _Kept(stamp, model)


def _trained_at(model: TextModel) -> datetime:
    """When ``model`` was trained; long ago when it does not say so in a way that anybody can read."""
    try:
        at = datetime.fromisoformat(model.trained_at)
    except ValueError:
        return _LONG_AGO
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)
