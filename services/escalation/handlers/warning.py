"""A county is looked at: what is more than usual is raised, told again when it grows, and ended."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.escalation.domain.warning.announce import announce
from services.escalation.domain.warning.episodes import Change, Episode, Update
from services.escalation.domain.warning.replay import history_of
from services.escalation.domain.warning.reports import Report
from services.escalation.domain.warning.rounds import Asked, Past, asked, end, look, standing
from services.escalation.domain.warning.subjects import Candidate, candidates
from services.escalation.domain.warning.usual import History
from services.escalation.warning_ports import CountyPast, WarningStore, Watching
from shared.events.codec import encode
from shared.playbook.model import Playbook

MOST_FRESH: Final = 1000
MOST_REPORTS: Final = 50_000
"""Reports that the windows of one round may hold; of more the newest are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """What a round came to; ``more`` when fresh reports are left."""

    looked: int = 0
    changes: Sequence[Change] = ()
    more: bool = False


class Pasts:
    """Counties' figures of the day, the lately used at hand; reckoned anew each local day."""

    def __init__(self, most: int = 512) -> None:
        self._most = most
        self._known: OrderedDict[str, tuple[date, CountyPast]] = OrderedDict()

    async def of(self, county: str, watching: Watching, today: date, zone: ZoneInfo) -> CountyPast:
        """The figures of ``county`` on ``today``."""
        day, past = self._known.get(county, (None, None))
        if past is None or day != today:
            past = await watching.past(today, zone)
            self._known[county] = today, past
        self._known.move_to_end(county)
        while len(self._known) > self._most:
            self._known.popitem(last=False)
        return past


async def watch_county(county: str, *, store: WarningStore, playbook: Playbook, pasts: Pasts) -> WatchReport:
    """Look at the fresh reports and the standing warnings of ``county`` in one transaction.

    Counts, warnings and what is said of them are committed together: a kill leaves all as it was.
    """
    async with store.watching(county) as watching:
        if watching is None:
            return WatchReport()
        fresh = await watching.fresh(most=MOST_FRESH)
        changes = await _changes(watching, fresh, playbook, pasts)
        await watching.looked({one.report_id for one in fresh})
    return WatchReport(looked=len(fresh), changes=changes, more=len(fresh) == MOST_FRESH)


async def _changes(watching: Watching, fresh: Sequence[Report], playbook: Playbook, pasts: Pasts) -> Sequence[Change]:
    rules = tuple(playbook.warnings.values())
    now = await watching.now()
    longest = max((rule.window for rule in rules), default=timedelta())
    episodes = await watching.episodes(now - longest)
    if not rules and not episodes:
        return ()
    reach = max((longest, *(one.subject.rule.window for one in episodes)))
    oldest = min((one.at for one in fresh), default=now)
    reports = await watching.reports(min(oldest, now) - reach, now, most=MOST_REPORTS)
    zone = ZoneInfo(playbook.timezone)
    county = await pasts.of(playbook.county, watching, now.astimezone(zone).date(), zone)
    # Some tens of thousands of reports take a while; clocks fire meanwhile.
    found = await asyncio.to_thread(candidates, rules, reports, {one.report_id for one in fresh})
    past = await _past(found, county, watching, zone)
    changes, after = await asyncio.to_thread(look, found, episodes, past)
    stand = await asyncio.to_thread(standing, after, reports, now)
    ended, _ = end(stand, after, await _past(stand, county, watching, zone))
    said = [*_last_updates(changes), *ended]
    if said:
        messages = [encode(announce(change, playbook, now=now)) for change in said]
        await watching.write(_newest(said), messages)
    return said


async def _past(found: Sequence[Candidate], county: CountyPast, watching: Watching, zone: ZoneInfo) -> Past:
    """The histories that ``found`` are held against, each read once."""
    histories: dict[Asked, History] = {}
    for candidate in found:
        wanted = asked(candidate, zone)
        if wanted not in histories:
            counts = await watching.counts(wanted, zone)
            histories[wanted] = history_of(counts, wanted, county.figures, first=county.first)
    return Past(season=county.figures.season, history=histories.__getitem__, zone=zone)


def _last_updates(changes: Sequence[Change]) -> list[Change]:
    """The changes with each warning told again once, by its last figures: what came at once is told at once."""
    last = {change.episode.warning_id: change for change in changes if isinstance(change, Update)}
    return [one for one in changes if not isinstance(one, Update) or one is last[one.episode.warning_id]]


def _newest(changes: Sequence[Change]) -> list[Episode]:
    """Each warning as it is after all ``changes``."""
    return list({change.episode.warning_id: change.episode for change in changes}.values())
