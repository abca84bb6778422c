"""The playbooks in force, one a county, as the playbook topic tells them."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

from shared.playbook.check import check
from shared.playbook.garbage import held_off
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

Prepare: TypeAlias = Callable[[Playbook], Awaitable[None]]
"""Is awaited with a playbook before it comes into force; what it raises refuses the playbook."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Version:
    """One version of a county's playbook: as its record came, or whole as it was put."""

    key: _Key
    content: Packed | Playbook
    bounds: Bounds | None
    proven: bool
    """It has been read once and passed its checks."""
    offset: int = -1
    refused: bool = False


@dataclass(frozen=True, slots=True)
class _County:
    """``standing[-1]`` is in force; before it stands what takes its place should it prove unreadable.

    ``versions`` are those known, oldest first. A county changes by another one in its place.
    """

    standing: tuple[_Version, ...] = ()
    versions: tuple[_Version, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A record that did not come into force: of which county and version, and why."""

    county: str
    version: str
    offset: int
    reason: str

    def __str__(self) -> str:
        """`990101 version 2026.11.2 at offset 7: …`."""
        version = f" version {self.version}" if self.version else ""
        return f"{self.county}{version} at offset {self.offset}: {self.reason}"


class PlaybookShelf:
    """Follows the playbook topic: `receive` is the `on_record` of a `CompactedReader`.

    A record comes into force whole and at once, or not at all: a bad one is refused with its reason
    in the log and in `refusals`, and the playbook before it stays in force. Its envelope and digest are
    judged when it comes. Its content is read and prepared before it comes into force where its county
    is in use, and else when it is first used: a process holds the records of every county, and the
    playbooks only of those that it works for.
    """

    def __init__(self, *, in_use: int = IN_USE) -> None:
        """Keep at most `in_use` playbooks ready."""
        self._counties: Mapping[str, _County] = {}
        self._ready: OrderedDict[_Key, Playbook] = OrderedDict()
        self._in_use = in_use
        self._changed = asyncio.Condition()
        self.prepare: Prepare | None = None
        """Makes ready what a service makes of a playbook, while the one before it is in force."""
        self.refused = 0
        """Records refused since the start."""
        self.last_refusal: str | None = None
        self.refusals: dict[str, Refusal] = {}
        """Counties whose newest record was refused, each with what was wrong; a good record ends it."""

    @property
    def counties(self) -> tuple[str, ...]:
        """The counties that have a playbook in force, in order; one not used yet may still prove unreadable."""
        return tuple(sorted(self._in_force()))

    def standing(self) -> "Standing":
        """Return the playbooks as they stand now, all of them at this one moment."""
        return Standing(self, self._counties)

    def of(self, area: str) -> Playbook:
        """Return the playbook in force for the county that holds `area`.

        Raises:
            UnknownCounty: none is in force.
        """
        return self.standing().of(area)

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
        return self.standing().known(county, version, digest)

    async def wait_for(self, area: str, *, timeout_seconds: float) -> Playbook:
        """Return the playbook of the county of `area`, waiting for it as long as `timeout_seconds`.

        Raises:
            UnknownCounty: none has come by then.
        """
        county = county_of(area)
        try:
            async with asyncio.timeout(timeout_seconds):
                while True:
                    async with self._changed:
                        await self._changed.wait_for(lambda: self._stands(county))
                    playbook = await self.standing().opened(county)
                    # Its only record may have proved unreadable: the next one is waited for.
                    if playbook is not None:
                        return playbook
        except TimeoutError:
            raise UnknownCounty(area, self._in_force()) from None

    async def receive(self, record: PlaybookRecord) -> None:
        """Bring a record into force, or refuse it and keep the playbook before it."""
        county = (record.key or b"").decode(errors="replace")
        if record.value is None:
            await self._withdraw(county)
            return
        in_use = self._uses(county)
        with held_off() if in_use else nullcontext():
            try:
                # Up to a second for a large county: other tasks go on meanwhile.
                version = await asyncio.to_thread(_take, record)
            except Malformed as malformed:
                self._refuse(Refusal(county=county, version="", offset=record.offset, reason=malformed.reason))
                return
            if in_use and await self._opened(version) is None:
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
            known = self._counties.get(county, _County())
            again = next((one for one in known.versions if one.key == version.key), None)
            version.proven = version.proven or (again is not None and again.proven)
            versions = (*(one for one in known.versions if one is not again), version)
            for old in versions[: -(VERSIONS_KEPT + 1)]:
                self._ready.pop(old.key, None)
            before = tuple(one for one in known.standing if one.key != version.key)
            # The first is the last that was read: however many follow unread, it stays.
            standing = () if version.proven else (*before[:1], *before[1:][-VERSIONS_KEPT:])
            self._replace(county, _County((*standing, version), versions[-(VERSIONS_KEPT + 1) :]))
            self.refusals.pop(county, None)
            self._changed.notify_all()
        log.info("playbook of %s in force: version %s, digest %.12s", county, named, digest)

    async def _withdraw(self, county: str) -> None:
        async with self._changed:
            known = self._counties.get(county)
            if known is None or not known.standing:
                return
            self._replace(county, _County((), known.versions))
        log.warning("playbook of %s is withdrawn: its cases wait", county)

    def _replace(self, county: str, known: _County) -> None:
        # Whoever holds the mapping of before goes on seeing what stood then.
        self._counties = {**self._counties, county: known}

    def _stands(self, county: str) -> bool:
        return county in self._counties and bool(self._counties[county].standing)

    def _in_force(self) -> list[str]:
        return [county for county, known in self._counties.items() if known.standing]

    def _uses(self, county: str) -> bool:
        """Whether a playbook of the county is ready: then the next one is made ready before it comes into force."""
        return any(
            one.key in self._ready or isinstance(one.content, Playbook)
            for one in self._counties.get(county, _County()).versions
        )

    def _open(self, version: _Version) -> Playbook | None:
        """The playbook of ``version``, ready or read now; None when it proves unreadable, which refuses it."""
        if (playbook := self._at_hand(version)) is not None or version.refused:
            return playbook
        try:
            return self._keep(version, _read(version.content, proven=version.proven))
        except Malformed as malformed:
            self._turn_down(version, malformed.reason)
            return None

    async def _opened(self, version: _Version) -> Playbook | None:
        """See ``_open``; read in a thread and prepared, while other tasks go on."""
        if (playbook := self._at_hand(version)) is not None or version.refused:
            return playbook
        try:
            with held_off():
                playbook = await asyncio.to_thread(_read, version.content, proven=version.proven)
                if self.prepare is not None:
                    await self.prepare(playbook)
        except Malformed as malformed:
            self._turn_down(version, malformed.reason)
            return None
        return self._keep(version, playbook)

    def _at_hand(self, version: _Version) -> Playbook | None:
        if isinstance(version.content, Playbook):
            return version.content
        if version.key in self._ready:
            self._ready.move_to_end(version.key)
        return self._ready.get(version.key)

    def _keep(self, version: _Version, playbook: Playbook) -> Playbook:
        self._prove(version)
        self._ready[version.key] = playbook
        self._ready.move_to_end(version.key)
        while len(self._ready) > self._in_use:
            self._ready.popitem(last=False)
        return playbook

    def _prove(self, version: _Version) -> None:
        """Nothing that stood before ``version`` will be needed in its place."""
        version.proven = True
        known = self._counties.get(version.key[0], _County())
        if version in known.standing:
            at = known.standing.index(version)
            self._replace(version.key[0], _County(known.standing[at:], known.versions))

    def _turn_down(self, version: _Version, reason: str) -> None:
        version.refused = True
        county, named, _ = version.key
        self._refuse(Refusal(county=county, version=named, offset=version.offset, reason=reason))
        known = self._counties.get(county)
        if known is not None:
            standing = tuple(one for one in known.standing if one is not version)
            self._replace(county, _County(standing, tuple(one for one in known.versions if one is not version)))

    def _refuse(self, refusal: Refusal) -> None:
        self.refused += 1
        self.last_refusal = str(refusal)
        self.refusals[refusal.county] = refusal
        told = (refusal.county, refusal.offset, refusal.reason)
        log.error("playbook record %s at offset %d is refused, the old one stays: %s", *told)


class Standing:
    """The playbooks as they stood at one moment; what comes afterwards changes nothing here."""

    def __init__(self, shelf: PlaybookShelf, counties: Mapping[str, _County]) -> None:
        """Hold what `shelf` has at this moment."""
        self._shelf = shelf
        self._counties = counties

    def of(self, area: str) -> Playbook:
        """Return the playbook in force for the county that holds `area`.

        Raises:
            UnknownCounty: none was in force.
        """
        for version in self._standing(county_of(area)):
            playbook = self._shelf._open(version)  # noqa: SLF001  two halves of one thing
            if playbook is not None:
                return playbook
        raise UnknownCounty(area, self._in_force())

    def known(self, county: str, version: str, digest: str | None = None) -> Playbook | None:
        """Return that version, if it was in force or had been not long ago; the latest of several."""
        for one in self._named(county, version, digest):
            playbook = self._shelf._open(one)  # noqa: SLF001  as above
            if playbook is not None:
                return playbook
        return None

    async def opened(self, area: str, version: str | None = None, digest: str | None = None) -> Playbook | None:
        """Return what `known` or, without a version, `of` does, or None; other tasks go on while it is read."""
        county = county_of(area)
        for one in self._standing(county) if version is None else self._named(county, version, digest):
            playbook = await self._shelf._opened(one)  # noqa: SLF001  as above
            if playbook is not None:
                return playbook
        return None

    def with_county(self, county: str) -> "Standing":
        """Return the same, with a county that had nothing then as it stands now."""
        return Standing(self._shelf, {**self._counties, county: self._shelf._counties[county]})  # noqa: SLF001

    def _standing(self, county: str) -> Iterator[_Version]:
        known = self._counties.get(county)
        return reversed(known.standing if known is not None else ())

    def _named(self, county: str, version: str, digest: str | None) -> Iterator[_Version]:
        known = self._counties.get(county)
        return (
            one
            for one in reversed(known.versions if known is not None else ())
            if one.key[1] == version and digest in (None, one.key[2])
        )

    def _in_force(self) -> list[str]:
        return [county for county, known in self._counties.items() if known.standing]


def _take(record: PlaybookRecord) -> _Version:
    content = packed(record.value, record.headers)
    if record.key != content.county.encode():
        raise Malformed(f"key {record.key!r} is not the county {content.county}")
    key = (content.county, content.version, content.digest)
    return _Version(key=key, content=content, bounds=content.bounds, proven=False, offset=record.offset)


def _read(content: Packed | Playbook, *, proven: bool) -> Playbook:
    if isinstance(content, Playbook):
        return content
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
