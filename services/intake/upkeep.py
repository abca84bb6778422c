"""Edges in from time: data keys are made, the audit is sealed; what outlived its time, and photos of no report, go."""

from __future__ import annotations

import logging
import math
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final
from uuid import UUID

from services.intake.custody import CountedAnew
from services.intake.domain.auditing import MARK_BYTES
from services.intake.handlers.auditing import drop_old_entries, seal_audit
from services.intake.handlers.privacy import forget_client_keys, reseal, retain, retain_photos
from services.intake.handlers.sweeping import forget_uploads, sweep_photos
from services.intake.store.audit import ENTRIES_A_BLOCK
from services.intake.timers import Timer
from services.intake.vault import EnvelopeVault, Unreadable

if TYPE_CHECKING:
    from services.intake.custody import Custody, PhotoStore
    from services.intake.handlers import Doors

BEGIN: Final = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))
SAY_HEAD_EVERY: Final = timedelta(minutes=1)

log = logging.getLogger(__name__)


class DataKeys(Timer):
    """Keeps a young data key for each county, and seals anew what was sealed before it had one."""

    def __init__(
        self, doors: Doors, vault: EnvelopeVault, custody: Custody, *, every: timedelta = timedelta(seconds=30)
    ) -> None:
        super().__init__(doors, every=every)
        self._vault = vault
        self._after = BEGIN[1]
        self._custody = custody

    async def _round(self) -> bool:
        try:
            await self._vault.keep(self._doors.playbooks.counties(), now=self._doors.clock())
        except Unreadable as unreadable:
            # Reports go on, sealed by the wrapping key; whoever took its old one away must put it back.
            log.error("a data key is unreadable: %s", unreadable.reason, extra={"event.name": "vault.unreadable"})  # noqa: TRY400  the words say it
            return False
        step = await reseal(after=self._after, custody=self._custody)
        self._after = step.after or BEGIN[1]
        if step.unreadable:
            log.warning("%d rows open with no key in force", step.unreadable, extra={"event.name": "vault.unreadable"})
        return step.after is not None


class Sealing(Timer):
    """Seals the audit every few seconds, and says the head in the log once a minute: a copy outside the database."""

    def __init__(self, doors: Doors, custody: Custody, *, every: timedelta = timedelta(seconds=5)) -> None:
        super().__init__(doors, every=every)
        self._custody = custody
        self._said_at = datetime(1970, 1, 1, tzinfo=UTC)

    async def _round(self) -> bool:
        try:
            block = await seal_audit(custody=self._custody)
        except CountedAnew as anew:
            log.error("the audit cannot be sealed: %s", anew, extra={"event.name": "audit.counted_anew"})  # noqa: TRY400  the words say it
            self._custody.watch.sealed(0, math.inf)
            return False
        state = await self._custody.audit.state()
        self._custody.watch.sealed(0 if state.head is None else state.head.block, state.waiting_seconds)
        if block is None:
            return False
        now = self._doors.clock()
        if now - self._said_at >= SAY_HEAD_EVERY:
            self._said_at = now
            log.info(
                "the audit is sealed up to block %d",
                block.block,
                extra={"event.name": "audit.head", "block": block.block, "head": block.head.hex()},
            )
        return len(block.marks) >= _FULL


class Retention(Timer):
    """Walks once a day over each county's reports, five hundred rows a step; forgets client keys and old entries."""

    def __init__(
        self, doors: Doors, custody: Custody, *, audit_days: int, every: timedelta = timedelta(seconds=10)
    ) -> None:
        super().__init__(doors, every=every)
        self._custody = custody
        self._audit_days = audit_days
        self._left: list[str] = []
        self._forgetting = False
        self._after = BEGIN
        self._begun = datetime(1970, 1, 1, tzinfo=UTC)

    async def _round(self) -> bool:
        if self._forgetting:
            self._forgetting = bool(await forget_client_keys(custody=self._custody))
            return self._forgetting
        if not self._left and not self._begin():
            return False
        step = await retain(self._left[0], after=self._after, dry_run=False, by=None, custody=self._custody)
        self._after = step.after
        if not step.more:
            if await retain_photos(self._left[0], custody=self._custody):
                # There may be more of them; the walk's last step is done again meanwhile, and finds nothing.
                return True
            self._left.pop(0)
            self._after = BEGIN
        if not self._left:
            await drop_old_entries(days=self._audit_days, custody=self._custody)
            self._forgetting = True
        return True

    def _begin(self) -> bool:
        now = self._doors.clock()
        if now - self._begun < timedelta(days=1):
            return False
        self._begun, self._left = now, sorted(self._doors.playbooks.counties())
        return bool(self._left)


class Sweeping(Timer):
    """Walks once a day over the store of photos, a hundred pictures a step, and removes what no report shows."""

    def __init__(
        self, doors: Doors, custody: Custody, photos: PhotoStore, *, every: timedelta = timedelta(seconds=10)
    ) -> None:
        super().__init__(doors, every=every)
        self._custody = custody
        self._photos = photos
        self._walk: AsyncIterator[Sequence[tuple[str, datetime]]] | None = None
        self._begun = BEGIN[0]

    async def _round(self) -> bool:
        walk = self._walk = self._walk or self._begin()
        if walk is None:
            return bool(await forget_uploads(custody=self._custody))
        try:
            found = await anext(walk, None)
            await sweep_photos(found or (), custody=self._custody)
        except BaseException:
            # A walk that broke off cannot go on; what it has passed by is looked at again.
            self._walk, self._begun = None, BEGIN[0]
            raise
        if found is None:
            self._walk = None
        return True

    def _begin(self) -> AsyncIterator[Sequence[tuple[str, datetime]]] | None:
        now = self._doors.clock()
        if now - self._begun < timedelta(days=1):
            return None
        self._begun = now
        return self._photos.listed()


_FULL: Final = ENTRIES_A_BLOCK * MARK_BYTES
