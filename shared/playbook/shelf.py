"""The playbooks in force, one a county, as the playbook topic tells them."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Protocol

from shared.playbook.check import check
from shared.playbook.model import Playbook
from shared.playbook.record import from_record
from shared.vocabulary import Malformed, Refused, county_of

VERSIONS_KEPT: Final = 8
"""Versions of a county kept beside the one in force, for cases that started under them."""

log = logging.getLogger(__name__)


class UnknownCounty(Refused):
    """No playbook is in force for the county of an area."""

    def __init__(self, area: str, known: Iterable[str]) -> None:
        """Name the counties that have a playbook."""
        county = county_of(area)
        super().__init__(f"no playbook is in force for county {county}", field="area", allowed=sorted(known))
        self.county = county


class PlaybookRecord(Protocol):
    """What the shelf reads of a Kafka record."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> tuple[tuple[str, bytes], ...]: ...
    @property
    def offset(self) -> int: ...


class PlaybookShelf:
    """Follows the playbook topic: `receive` is the `on_record` of a `CompactedReader`.

    A record comes into force whole and at once, or not at all: a bad one is refused with its reason
    in the log and in `refused`, and the playbook before it stays in force.
    """

    def __init__(self, *, on_change: Callable[[Playbook], None] | None = None) -> None:
        """`on_change` is told of each playbook that comes into force."""
        self._in_force: dict[str, Playbook] = {}
        self._versions: OrderedDict[tuple[str, str, str], Playbook] = OrderedDict()
        self._changed = asyncio.Condition()
        self._on_change = on_change
        self.refused = 0
        """Records refused since the start."""
        self.last_refusal: str | None = None

    @property
    def in_force(self) -> Mapping[str, Playbook]:
        """The playbook of each county; a snapshot."""
        return dict(self._in_force)

    def of(self, area: str) -> Playbook:
        """Return the playbook in force for the county that holds `area`.

        Raises:
            UnknownCounty: none is in force.
        """
        playbook = self._in_force.get(county_of(area))
        if playbook is None:
            raise UnknownCounty(area, self._in_force)
        return playbook

    def known(self, county: str, version: str, digest: str | None = None) -> Playbook | None:
        """Return that version, if it is in force or was not long ago; the latest of several."""
        fits = (
            playbook
            for (of, named, sealed), playbook in reversed(self._versions.items())
            if (of, named) == (county, version) and digest in (None, sealed)
        )
        return next(fits, None)

    async def wait_for(self, area: str, *, timeout_seconds: float) -> Playbook:
        """Return the playbook of the county of `area`, waiting for it as long as `timeout_seconds`.

        Raises:
            UnknownCounty: none has come by then.
        """
        county = county_of(area)
        try:
            async with asyncio.timeout(timeout_seconds), self._changed:
                await self._changed.wait_for(lambda: county in self._in_force)
        except TimeoutError:
            raise UnknownCounty(area, self._in_force) from None
        return self._in_force[county]

    async def receive(self, record: PlaybookRecord) -> None:
        """Bring a record into force, or refuse it and keep the playbook before it."""
        if record.value is None:
            await self._withdraw(record)
            return
        try:
            # Seconds of work for a large county: other tasks go on meanwhile.
            playbook = await asyncio.to_thread(_read, record)
        except Malformed as malformed:
            self._refuse(record, malformed.reason)
            return
        await self._put(playbook)

    async def put(self, playbook: Playbook) -> None:
        """Bring `playbook` into force without a record, as tests and the simulator do."""
        await self._put(playbook)

    async def _put(self, playbook: Playbook) -> None:
        async with self._changed:
            self._in_force[playbook.county] = playbook
            self._remember(playbook)
            self._changed.notify_all()
        log.info(
            "playbook of %s in force: version %s, digest %.12s", playbook.county, playbook.version, playbook.digest
        )
        if self._on_change is not None:
            self._on_change(playbook)

    async def _withdraw(self, record: PlaybookRecord) -> None:
        county = (record.key or b"").decode(errors="replace")
        async with self._changed:
            gone = self._in_force.pop(county, None)
        if gone is not None:
            log.warning("playbook of %s is withdrawn: its cases wait", county)

    def _remember(self, playbook: Playbook) -> None:
        key = (playbook.county, playbook.version, playbook.digest)
        self._versions.pop(key, None)
        self._versions[key] = playbook
        of_county = [known for known in self._versions if known[0] == playbook.county]
        for known in of_county[: -VERSIONS_KEPT - 1]:
            del self._versions[known]

    def _refuse(self, record: PlaybookRecord, reason: str) -> None:
        self.refused += 1
        self.last_refusal = reason
        key = (record.key or b"").decode(errors="replace")
        log.error("playbook record %s at offset %d is refused, the old one stays: %s", key, record.offset, reason)


def _read(record: PlaybookRecord) -> Playbook:
    playbook = from_record(record.value, record.headers)
    if record.key != playbook.county.encode():
        raise Malformed(f"key {record.key!r} is not the county {playbook.county}")
    findings = check(playbook)
    if findings:
        raise Malformed(f"{len(findings)} problem(s), first: {findings[0]}")
    return playbook
