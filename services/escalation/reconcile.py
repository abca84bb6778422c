"""``python -m services.escalation.reconcile``: are the cases that the log calls open those that have facts here?

The log of cases is read to where the ledger says that it is folded, and only the open cases are kept of it; then what
is stored is walked page by page. What differs is looked at again while nobody folds it. Exit status: 0 both agree,
1 it cannot be told now, 2 misused, 3 they differ.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

import msgspec
from pydantic import ValidationError

from services.escalation.domain.reconciling import Gap, gap_of, gaps
from services.escalation.history import History, LogAway, history
from services.escalation.repair_words import language
from services.escalation.settings import Settings
from services.escalation.store.reconciling import PostgresStates
from shared.events.topics import CASE
from shared.runtime.delivery import Partition, Record
from shared.runtime.postgres import OUTAGES, PoolSettings, open_pool
from shared.vocabulary import CASE_ENDED, CaseState
from shared.words import Words

FAILED: Final = 1
MISUSED: Final = 2
DIFFERS: Final = 3
SHOWN: Final = 20
"""Cases of each kind that are named on a screen; JSON names all."""


class _Case(msgspec.Struct, frozen=True):
    case_id: UUID
    version: int
    state: CaseState


class _Told(msgspec.Struct, frozen=True):
    """What is read of a case event; the rest is skipped unread."""

    case: _Case


_told = msgspec.json.Decoder(_Told)


@dataclass(slots=True, kw_only=True)
class Telling:
    """The open cases as far as the log is read, each with its newest version."""

    open: dict[Partition, dict[UUID, int]] = field(default_factory=lambda: defaultdict(dict))
    records: int = 0

    def add(self, records: Iterable[Record]) -> None:
        """Read on; what nobody can read was set aside by the fold as well, and shows when it mattered."""
        for record in records:
            self.records += 1
            try:
                case = _told.decode(record.value or b"").case
            except msgspec.DecodeError:
                continue
            cases = self.open[Partition(record.topic, record.partition)]
            if case.state in CASE_ENDED:
                cases.pop(case.case_id, None)
            else:
                cases[case.case_id] = max(case.version, cases.get(case.case_id, 0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciled:
    """Both counts, what differs, and the partitions whose log does not reach back to its beginning."""

    records: int
    open_in_log: int
    open_here: int
    gaps: Mapping[Gap, Sequence[UUID]]
    cut: Sequence[int]


async def reconcile(settings: Settings, *, topic: str = CASE.name) -> Reconciled:
    """Compare the log of cases with what is stored of them.

    Raises:
        LogAway: Kafka does not answer.
        OSError: PostgreSQL does not answer (or another of ``OUTAGES``).
    """
    pool = await open_pool(settings.postgres, "escalation", settings=PoolSettings(largest=2))
    try:
        states = PostgresStates(pool, topic=topic)
        async with history(settings.kafka, [topic], key=None) as log:
            ledger = await states.ledger()
            places = [Partition(topic, number) for number in log.partitions(topic)]
            await log.begin(places, since=None)
            telling = Telling()
            await log.read({place: ledger.get(place, 0) for place in places}, each=telling.add)
            cut = [place.number for place in places if not log.is_whole(place)]
            suspects, here = await _suspects(telling, states, topic=topic)
            found = [one async for one in _confirmed(suspects, telling, log, states, topic=topic)]
    finally:
        await pool.close()
    sets: dict[Gap, list[UUID]] = defaultdict(list)
    for number, case_id, gap in found:
        # A case older than what the log still holds is open here and unknown there: that is no gap.
        if gap is not Gap.OPEN_HERE or number not in cut:
            sets[gap].append(case_id)
    in_log = sum(len(cases) for cases in telling.open.values())
    return Reconciled(records=telling.records, open_in_log=in_log, open_here=here, gaps=sets, cut=cut)


async def _suspects(telling: Telling, states: PostgresStates, *, topic: str) -> tuple[dict[int, set[UUID]], int]:
    """The cases that differ at first sight, by partition, and how many are stored as open."""
    suspects: dict[int, set[UUID]] = defaultdict(set)
    for place, cases in telling.open.items():
        suspects[place.number].update(cases)
    here = 0
    async for page in states.pages():
        for state in page:
            here += state.is_open
            told = telling.open[Partition(topic, state.partition)].get(state.case_id)
            if gap_of(told, state) is None:
                suspects[state.partition].discard(state.case_id)
            else:
                suspects[state.partition].add(state.case_id)
    return suspects, here


async def _confirmed(
    suspects: Mapping[int, set[UUID]], telling: Telling, log: History, states: PostgresStates, *, topic: str
) -> AsyncIterator[tuple[int, UUID, Gap]]:
    """What still differs when the log is read to where the fold stands, while the fold waits."""
    for number, case_ids in sorted(suspects.items()):
        if not case_ids:
            continue
        place = Partition(topic, number)
        await log.read({place: (await states.ledger()).get(place, 0)}, each=telling.add)
        async with states.held(number) as held:
            await log.read({place: (await held.ledger()).get(place, 0)}, each=telling.add)
            stored = {state.case_id: state for state in await held.states(case_ids)}
        told = {one: version for one, version in telling.open[place].items() if one in case_ids}
        for case_id, gap in gaps(told, stored):
            yield number, case_id, gap


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m services.escalation.reconcile", description=(__doc__ or "").strip()
    )
    parser.add_argument("--json", action="store_true", help="print one line of JSON, for programs")
    given = parser.parse_args(arguments)
    try:
        reconciled = asyncio.run(reconcile(Settings()))
    except ValidationError as error:
        names = ", ".join(f"WHISTLE_{'_'.join(str(part) for part in one['loc']).upper()}" for one in error.errors())
        return _fail(f"a setting is missing or wrong: {names}", MISUSED)
    except LogAway as away:
        return _fail(f"Kafka does not answer: {away}; check WHISTLE_KAFKA", FAILED)
    except OUTAGES as error:
        return _fail(f"PostgreSQL does not answer: {type(error).__name__}: {error}; check WHISTLE_POSTGRES", FAILED)
    lines = [as_json(reconciled)] if given.json else list(in_words(reconciled, language()))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return DIFFERS if reconciled.gaps else 0


def as_json(reconciled: Reconciled) -> str:
    """Both counts and every case that differs, on one line."""
    return json.dumps(
        {
            "records": reconciled.records,
            "open_in_log": reconciled.open_in_log,
            "open_here": reconciled.open_here,
            "gaps": {str(gap): [str(case_id) for case_id in found] for gap, found in reconciled.gaps.items()},
            "cut_partitions": list(reconciled.cut),
        }
    )


_GAPS: Final = {
    Gap.NOT_STORED: Words(zh="日志中未结，库中没有", en="open in the log, not stored"),
    Gap.ENDED_HERE: Words(zh="日志中未结，库中已结", en="open in the log, ended as stored"),
    Gap.OPEN_HERE: Words(
        zh="库中未结，日志中已结或从未出现", en="open as stored, ended in the log or never told there"
    ),
    Gap.BEHIND: Words(zh="库中缺少日志已有的事实", en="stored without facts that the log has folded"),
}


def in_words(reconciled: Reconciled, lang: str) -> Iterator[str]:
    """Both counts and the first cases of each kind that differs, line by line."""
    zh = lang == "zh"
    log, here, read = reconciled.open_in_log, reconciled.open_here, reconciled.records
    yield (
        f"未结事件：日志 {log} 件，库中 {here} 件（读取记录 {read} 条）"
        if zh
        else f"open cases: {log} in the log, {here} as stored ({read} records read)"
    )
    if reconciled.cut:
        numbers = ", ".join(str(number) for number in reconciled.cut)
        yield (
            f"分区 {numbers} 的日志已不完整：更早的事件未核对"
            if zh
            else f"the log of partitions {numbers} has lost its beginning: earlier cases are not judged"
        )
    for gap, found in reconciled.gaps.items():
        words = _GAPS[gap]
        yield f"  {words.zh if zh else words.en}: {len(found)}"
        yield from (f"    whistle clocks repair {case_id} --dry-run" for case_id in found[:SHOWN])
        if len(found) > SHOWN:
            yield f"    … {len(found) - SHOWN} {'件未列出，见 --json' if zh else 'more: --json lists them'}"
    if not reconciled.gaps:
        yield "一致" if zh else "they agree"


def _fail(problem: str, status: int) -> int:
    sys.stderr.write(f"{problem}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
