"""``python -m tests.bench.warnings [--odds N …]``: how often early warning is wrong, what it misses, how late it comes.

New York's half day has places and real seconds but no labelled bursts: bursts of known size are laid over
shuffled copies of it (times dealt anew, so that nothing bursts by itself) and over itself. The petitions of
TipDM have labelled events, months apart and a few messages each; their categories are guessed by a
model trained on the labelled ones, their districts read from the text. Reading material: without it nothing
runs. No text of it is printed.
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from statistics import median
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import make_pipeline
from sklearn.svm import LinearSVC

from services.escalation.domain.warning.episodes import Episode, Raise
from services.escalation.domain.warning.replay import replay
from services.escalation.domain.warning.reports import Report
from shared.events.parts import Place
from shared.playbook.model import Text, WarningRule
from shared.vocabulary import Level

DATA: Final = Path(__file__).parents[3] / "shared" / "data"
NEW_YORK: Final = ZoneInfo("America/New_York")
CHINA: Final = ZoneInfo("Asia/Shanghai")
SIZES: Final = (6, 8, 10, 15, 20)
EACH: Final = 4
"""Bursts of each size in one day."""
HISTORY: Final = 28
DAY: Final = datetime(2023, 2, 28, tzinfo=NEW_YORK)
NAME: Final = Text(zh="测", en="measured")
SHIPPED: Final = (
    WarningRule(id="town-day", name=NAME, window_minutes=1440, at_least=6, odds=1_000_000, level=Level.TOWN),
    WarningRule(id="hot-spot", name=NAME, window_minutes=360, at_least=5, odds=1_000_000, within_metres=300),
)
"""As in playbooks/yunlu/warnings.yaml."""
SLOW: Final = (replace(SHIPPED[0], id="town-fortnight", window_minutes=20_160, at_least=5),)


@dataclass(frozen=True, slots=True)
class Burst:
    """One that was laid in: who belongs to it, and when its first came."""

    size: int
    members: frozenset[UUID]
    began: datetime


class City:
    """New York's half day as a county that reports to towns (community boards) and villages (post codes)."""

    def __init__(self, seed: int) -> None:
        with (DATA / "nyc311" / "requests.csv").open(encoding="utf-8", newline="") as file:
            self._rows = list(csv.DictReader(file))
        self._kinds, self._boards, self._zips = (
            sorted({row[name] for row in self._rows}) for name in ("complaint_type", "community_board", "zip")
        )
        self._times = [datetime.fromisoformat(row["created"]).replace(tzinfo=NEW_YORK) - DAY for row in self._rows]
        self.rng = Random(seed)

    def real(self) -> list[Report]:
        return [self._report(row, DAY + at) for row, at in zip(self._rows, self._times, strict=True)]

    def shuffled(self, days_before: int) -> list[Report]:
        """As many reports drawn with replacement, each at the second of another."""
        times = self._times[:]
        self.rng.shuffle(times)
        rows = self.rng.choices(self._rows, k=len(times))
        return [self._report(row, DAY - timedelta(days=days_before) + at) for row, at in zip(rows, times, strict=True)]

    def bursts(self) -> tuple[list[Report], list[Burst]]:
        """Bursts of every size: one kind, within two hours and some 100 m of a place drawn at random."""
        reports, bursts = list[Report](), list[Burst]()
        for size in SIZES * EACH:
            row = self.rng.choice([one for one in self._rows if one["lat"]])
            at = DAY + timedelta(hours=self.rng.uniform(12, 21))
            here = [self._near(row, at + timedelta(hours=2 * self.rng.random())) for _ in range(size)]
            reports += here
            bursts.append(Burst(size, frozenset(one.report_id for one in here), min(one.at for one in here)))
        return reports, bursts

    def _near(self, row: dict[str, str], at: datetime) -> Report:
        made = self._report(row, at)
        assert made.place is not None
        place = Place(lon=made.place.lon + self.rng.gauss(0, 0.0008), lat=made.place.lat + self.rng.gauss(0, 0.0006))
        return replace(made, place=place)

    def _report(self, row: dict[str, str], at: datetime) -> Report:
        report_id = UUID(int=self.rng.getrandbits(128))
        town = f"360000{self._boards.index(row['community_board']):03d}"
        return Report(
            report_id=report_id,
            case_id=report_id,
            county="360000",
            area=f"{town}{self._zips.index(row['zip']):03d}",
            category=f"{self._kinds.index(row['complaint_type']):03d}",
            at=at,
            place=Place(lon=float(row["lon"]), lat=float(row["lat"])) if row["lat"] else None,
        )


def raised(
    reports: Sequence[Report], rules: Sequence[WarningRule], zone: ZoneInfo, since: datetime | None
) -> list[Episode]:
    return [one.episode for one in replay(reports, rules, zone, since=since) if isinstance(one, Raise)]


def of_burst(episode: Episode, burst: Burst) -> bool:
    """Half of what it counts, or more, belongs to the burst."""
    held = [one.report_id in burst.members for one in episode.seen.candidate.reports]
    return 2 * sum(held) >= len(held)


def city(odds: int, rounds: int) -> Iterator[str]:
    """New York: false alarms of nothing, and what becomes of bursts."""
    made = City(seed=odds)
    rules = [replace(rule, odds=odds) for rule in SHIPPED]
    history = [report for day in range(1, HISTORY + 1) for report in made.shuffled(day)]
    null = [len(raised([*history, *made.shuffled(0)], rules, NEW_YORK, DAY)) for _ in range(rounds)]
    reports = len(made.real())
    yield f"nyc311, odds {odds:,}: {sum(null)} false alarms on {rounds} shuffled half days of {reports} reports"
    alone = raised([*history, *made.real()], rules, NEW_YORK, DAY)
    kinds = ", ".join(f"{rule} {count}" for rule, count in Counter(one.rule for one in alone).items())
    yield f"  the real half day, nothing laid in: {len(alone)} raised ({kinds}), unlabelled"
    for name, days in (("shuffled", [made.shuffled(0) for _ in range(rounds)]), ("real", [made.real()])):
        yield from _with_bursts(name, days, made, history, rules, len(alone) if name == "real" else 0)


def _with_bursts(
    name: str,
    days: Sequence[Sequence[Report]],
    made: City,
    history: Sequence[Report],
    rules: Sequence[WarningRule],
    known: int,
) -> Iterator[str]:
    found, laid, delays, late, wrong, all_raised = Counter[int](), Counter[int](), list[float](), list[int](), 0, 0
    for day in days:
        extra, bursts = made.bursts()
        episodes = raised([*history, *day, *extra], rules, NEW_YORK, DAY)
        all_raised += len(episodes)
        wrong += sum(not any(of_burst(one, burst) for burst in bursts) for one in episodes)
        for burst in bursts:
            laid[burst.size] += 1
            mine = [one for one in episodes if of_burst(one, burst)]
            if mine:
                found[burst.size] += 1
                first = min(one.raised_at for one in mine)
                delays.append((first - burst.began) / timedelta(minutes=1))
                late.append(min(mine, key=lambda one: one.raised_at).seen.observed)
    recall = ", ".join(f"{size}: {found[size]}/{laid[size]}" for size in SIZES)
    yield (
        f"  laid over {len(days)} {name} half days: found by size {recall}; {all_raised} raised, {wrong} of no burst"
        f" ({known} of them without any burst too); raised {median(delays or [0]):.0f} min after the first report"
        f" (longest {max(delays, default=0):.0f}), at {median(late or [0]):.0f} reports"
    )


def petitions(rules: Sequence[WarningRule]) -> Iterator[str]:
    """TipDM: events as labelled, against what is raised."""
    least = rules[0].at_least
    reports, events = _petitions()
    episodes = raised(reports, rules, CHINA, None)
    sizes = Counter(events.values())
    true = [one for one in episodes if _main_event(one, events)[1] * 2 >= one.seen.observed]
    some = [one for one in episodes if _main_event(one, events)[1] >= 3]
    bursts = {name: _fullest(reports, events, name) for name in sizes}
    big = [name for name, most in bursts.items() if most >= least]
    hit = {_main_event(one, events)[0] for one in some}
    days = (reports[-1].at - reports[0].at).days
    yield (
        f"tipdm_hotspot, {rules[0].id}, odds {rules[0].odds:,}: {len(reports)} messages of {days} days, {len(sizes)}"
        f" events, {len(big)} with {least} or more in a fortnight; raised {len(episodes)}: {len(true)} at least half"
        f" one event's, {len(some)} with three or more of one; found {len(hit & set(big))} of the {len(big)};"
        f" {(len(episodes) - len(some)) / max(days, 1):.4f} others a day"
    )


def _main_event(episode: Episode, events: dict[UUID, str]) -> tuple[str, int]:
    counts = Counter(events[one.report_id] for one in episode.seen.candidate.reports if one.report_id in events)
    return counts.most_common(1)[0] if counts else ("", 0)


def _fullest(reports: Sequence[Report], events: dict[UUID, str], name: str) -> int:
    """The most messages of an event within a fortnight."""
    times = [one.at for one in reports if events.get(one.report_id) == name]
    return max(sum(timedelta() <= at - first < timedelta(days=14) for at in times) for first in times)


def _petitions() -> tuple[list[Report], dict[UUID, str]]:
    texts, labels = _labelled()
    model = make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2), LinearSVC())
    model.fit(texts, labels)
    kinds = sorted(set(labels))
    with (DATA / "tipdm_hotspot" / "messages.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    guessed = model.predict([f"{row['subject']} {row['detail']}" for row in rows])
    reports, events = list[Report](), dict[UUID, str]()
    for row, kind in zip(rows, guessed, strict=True):
        report_id = UUID(int=int(row["message_id"]))
        district = re.search(r"A(\d{1,2})", f"{row['subject']} {row['detail']}")
        reports.append(
            Report(
                report_id=report_id,
                case_id=report_id,
                county="430001",
                area=f"430001{int(district[1]) if district else 0:03d}",
                category=f"{kinds.index(kind):02d}",
                at=datetime.fromisoformat(row["time"]).replace(tzinfo=CHINA),
            )
        )
        if row["event_id"]:
            events[report_id] = row["event_id"]
    return sorted(reports, key=lambda one: one.at), events


def _labelled() -> tuple[list[str], list[str]]:
    folder = DATA / "tipdm_labelled"
    texts, labels = list[str](), list[str]()
    for name, column in (("messages_gold.csv", "label"), ("messages_silver.csv", "silver_label")):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row[column]:
                    labels.append(row[column])
                    texts.append(f"{row['subject']} {row['detail']}")
    return texts, labels


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="False alarms, misses and delay of early warning.")
    parser.add_argument("--odds", type=int, nargs="*", default=[1_000_000], help="thresholds to try")
    parser.add_argument("--rounds", type=int, default=3, help="shuffled half days of New York")
    parser.add_argument("--only", choices=("nyc311", "tipdm"), help="one of the two")
    asked = parser.parse_args(arguments)
    if not DATA.exists():
        print("skipped: the reading material is not here")
        return 0
    for odds in asked.odds:
        if asked.only != "tipdm":
            for line in city(odds, asked.rounds):
                print(line, flush=True)
        if asked.only != "nyc311":
            for rules in (SHIPPED[:1], SLOW):
                for line in petitions([replace(rule, odds=odds) for rule in rules]):
                    print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
