"""A county is looked at: what is more than usual is raised, told again when it grows, and ended."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from services.escalation.domain.warning.announce import announce
from services.escalation.domain.warning.columns import Columns
from services.escalation.domain.warning.episodes import Change, Episode, Update
from services.escalation.domain.warning.reports import Report
from services.escalation.domain.warning.rounds import end, look
from services.escalation.domain.warning.windows import candidates
from services.escalation.handlers.pasts import Pasts, Reading
from services.escalation.warning_ports import WarningStore, Watching
from shared.events.codec import encode
from shared.playbook.model import Playbook

MOST_FRESH: Final = 1000
MOST_REPORTS: Final = 50_000
"""Reports that the windows of one round may hold; of more the newest are looked at."""
MOST_EPISODES: Final = 500
"""Warnings of a county that one round takes: those that stand first, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchReport:
    """What a round came to; ``more`` when fresh reports are left."""

    looked: int = 0
    changes: Sequence[Change] = ()
    more: bool = False


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
    episodes = await watching.episodes(now - longest, most=MOST_EPISODES)
    if not rules and not episodes:
        return ()
    reach = max((longest, *(one.subject.rule.window for one in episodes)))
    oldest = min((one.at for one in fresh), default=now)
    rows = await watching.reports(min(oldest, now) - reach, now, most=MOST_REPORTS)
    ids = {one.report_id for one in fresh}
    waiting = await watching.waiting(most=MOST_REPORTS) - ids if len(fresh) == MOST_FRESH else frozenset[UUID]()
    zone = ZoneInfo(playbook.timezone)
    today = now.astimezone(zone).date()
    county = await pasts.of(playbook.county, watching, today, zone)
    reading = Reading(watching=watching, pasts=pasts, county=county, today=today, zone=zone)
    # Some tens of thousands of reports take a while; clocks fire meanwhile.
    reports = await asyncio.to_thread(Columns.of, rows)
    found = await asyncio.to_thread(candidates, rules, reports, ids, waiting)
    changes, after = await reading.of(lambda past: look(found, episodes, past))
    ended, _ = await reading.of(lambda past: end(after, reports, past, now=now))
    said = [*_last_updates(changes), *ended]
    if said:
        messages = [encode(announce(change, playbook, now=now)) for change in said]
        await watching.write(_newest(said), messages)
    return said


def _last_updates(changes: Sequence[Change]) -> list[Change]:
    """The changes with each warning told again once, by its last figures: what came at once is told at once."""
    last = {change.episode.warning_id: change for change in changes if isinstance(change, Update)}
    return [one for one in changes if not isinstance(one, Update) or one is last[one.episode.warning_id]]


def _newest(changes: Sequence[Change]) -> list[Episode]:
    """Each warning as it is after all ``changes``."""
    return list({change.episode.warning_id: change.episode for change in changes}.values())
