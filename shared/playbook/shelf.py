"""The playbooks in force, one a county, as the playbook topic tells them."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from shared.playbook.check import check
from shared.playbook.model import Playbook
from shared.playbook.record import Bounds, Packed, bounds_of, packed, unpacked
from shared.vocabulary import Malformed, Refused, county_of

VERSIONS_KEPT: Final = 8
"""Versions of a county kept beside the one in force, for cases that started under them."""
IN_USE: Final = 64
"""Playbooks kept ready for use; any other is read again from its record, in a twentieth of a second."""

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


_Key: TypeAlias = tuple[str, str, str]
"""County, version and digest."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Version:
    """One version of a county's playbook: as its record came, or whole as it was put."""

    key: _Key
    content: Packed | Playbook
    bounds: Bounds | None
    proven: bool
    """It has been read once and passed its checks."""
    offset: int = -1


@dataclass(slots=True)
class _County:
    """``standing[-1]`` is in force; before it stands what takes its place should it prove unreadable."""

    standing: list[_Version] = field(default_factory=list)
    versions: OrderedDict[_Key, _Version] = field(default_factory=OrderedDict)


class PlaybookShelf:
    """Follows the playbook topic: `receive` is the `on_record` of a `CompactedReader`.

    A record comes into force whole and at once, or not at all: a bad one is refused with its reason
    in the log and in `refused`, and the playbook before it stays in force. Its envelope and digest are
    judged when it comes, its content when it is first used: a process holds the records of every
    county, and the playbooks only of those that it works for.
    """

    def __init__(self, *, in_use: int = IN_USE) -> None:
        """Keep at most `in_use` playbooks ready."""
        self._counties: dict[str, _County] = {}
        self._ready: OrderedDict[_Key, Playbook] = OrderedDict()
        self._in_use = in_use
        self._changed = asyncio.Condition()
        self.refused = 0
        """Records refused since the start."""
        self.last_refusal: str | None = None

    @property
    def counties(self) -> tuple[str, ...]:
        """The counties that have a playbook in force, in order; one not used yet may still prove unreadable."""
        return tuple(sorted(self._in_force()))

    def of(self, area: str) -> Playbook:
        """Return the playbook in force for the county that holds `area`.

        Raises:
            UnknownCounty: none is in force.
        """
        known = self._counties.get(county_of(area))
        while known is not None and known.standing:
            playbook = self._open(known.standing[-1])
            if playbook is not None:
                return playbook
        raise UnknownCounty(area, self._in_force())

    def each(self) -> Iterator[Playbook]:
        """Yield the playbook in force of each county, one after another, in order."""
        for county in self.counties:
            try:
                yield self.of(county)
            except UnknownCounty:
                # Its only record proved unreadable: the refusal is told.
                continue

    def around(self, lon: float, lat: float) -> tuple[str, ...]:
        """Return the counties whose cells may hold the point, in order; no playbook is read for that."""
        return tuple(
            county
            for county in self.counties
            if any(_may_hold(version.bounds, lon, lat) for version in self._counties[county].standing)
        )

    def known(self, county: str, version: str, digest: str | None = None) -> Playbook | None:
        """Return that version, if it is in force or was not long ago; the latest of several."""
        of_county = self._counties.get(county)
        for one in reversed(tuple(of_county.versions.values()) if of_county else ()):
            _, named, sealed = one.key
            if named == version and digest in (None, sealed) and (playbook := self._open(one)) is not None:
                return playbook
        return None

    async def wait_for(self, area: str, *, timeout_seconds: float) -> Playbook:
        """Return the playbook of the county of `area`, waiting for it as long as `timeout_seconds`.

        Raises:
            UnknownCounty: none has come by then.
        """
        county = county_of(area)
        try:
            async with asyncio.timeout(timeout_seconds), self._changed:
                while True:
                    await self._changed.wait_for(lambda: self._stands(county))
                    try:
                        return self.of(county)
                    except UnknownCounty:
                        # Its only record proved unreadable: the next one is waited for.
                        continue
        except TimeoutError:
            raise UnknownCounty(area, self._in_force()) from None

    async def receive(self, record: PlaybookRecord) -> None:
        """Bring a record into force, or refuse it and keep the playbook before it."""
        if record.value is None:
            await self._withdraw(record)
            return
        try:
            # Tens of milliseconds for a large county: other tasks go on meanwhile.
            version = await asyncio.to_thread(_take, record)
        except Malformed as malformed:
            self._refuse((record.key or b"").decode(errors="replace"), record.offset, malformed.reason)
            return
        await self._put(version)

    async def put(self, playbook: Playbook) -> None:
        """Bring `playbook` into force without a record, as tests and the simulator do."""
        key = (playbook.county, playbook.version, playbook.digest)
        bounds = bounds_of(cell.polygon for cell in playbook.cells)
        await self._put(_Version(key=key, content=playbook, bounds=bounds, proven=True))

    async def _put(self, version: _Version) -> None:
        county, named, digest = version.key
        async with self._changed:
            known = self._counties.setdefault(county, _County())
            again = known.versions.pop(version.key, None)
            version.proven = version.proven or (again is not None and again.proven)
            known.versions[version.key] = version
            while len(known.versions) > VERSIONS_KEPT + 1:
                self._ready.pop(known.versions.popitem(last=False)[0], None)
            before = [one for one in known.standing if one.key != version.key]
            # The first is the last that was read: however many follow unread, it stays.
            known.standing = [*before[:1], *before[1:][-VERSIONS_KEPT:], version]
            if version.proven:
                self._prove(version)
            self._changed.notify_all()
        log.info("playbook of %s in force: version %s, digest %.12s", county, named, digest)

    async def _withdraw(self, record: PlaybookRecord) -> None:
        county = (record.key or b"").decode(errors="replace")
        async with self._changed:
            known = self._counties.get(county)
            gone = known is not None and bool(known.standing)
            if known is not None:
                known.standing = []
        if gone:
            log.warning("playbook of %s is withdrawn: its cases wait", county)

    def _stands(self, county: str) -> bool:
        return county in self._counties and bool(self._counties[county].standing)

    def _in_force(self) -> list[str]:
        return [county for county, known in self._counties.items() if known.standing]

    def _open(self, version: _Version) -> Playbook | None:
        """The playbook of ``version``, ready or read now; None when it proves unreadable, which refuses it."""
        if isinstance(version.content, Playbook):
            return version.content
        playbook = self._ready.get(version.key)
        if playbook is None:
            try:
                playbook = _read(version.content, proven=version.proven)
            except Malformed as malformed:
                self._refuse(version.key[0], version.offset, malformed.reason)
                self._forget(version)
                return None
            self._prove(version)
            self._ready[version.key] = playbook
            while len(self._ready) > self._in_use:
                self._ready.popitem(last=False)
        self._ready.move_to_end(version.key)
        return playbook

    def _prove(self, version: _Version) -> None:
        """Nothing that stood before ``version`` will be needed in its place."""
        version.proven = True
        known = self._counties[version.key[0]]
        if version in known.standing:
            del known.standing[: known.standing.index(version)]

    def _forget(self, version: _Version) -> None:
        known = self._counties[version.key[0]]
        known.standing = [one for one in known.standing if one is not version]
        if known.versions.get(version.key) is version:
            del known.versions[version.key]

    def _refuse(self, key: str, offset: int, reason: str) -> None:
        self.refused += 1
        self.last_refusal = reason
        log.error("playbook record %s at offset %d is refused, the old one stays: %s", key, offset, reason)


def _take(record: PlaybookRecord) -> _Version:
    content = packed(record.value, record.headers)
    if record.key != content.county.encode():
        raise Malformed(f"key {record.key!r} is not the county {content.county}")
    key = (content.county, content.version, content.digest)
    return _Version(key=key, content=content, bounds=content.bounds, proven=False, offset=record.offset)


def _read(content: Packed, *, proven: bool) -> Playbook:
    playbook = unpacked(content)
    findings = () if proven else check(playbook)
    if findings:
        raise Malformed(f"{len(findings)} problem(s), first: {findings[0]}")
    return playbook


def _may_hold(bounds: Bounds | None, lon: float, lat: float) -> bool:
    if bounds is None:
        return True
    west, south, east, north = bounds
    return west <= lon <= east and south <= lat <= north
