"""When setting records aside must end: a bad release would otherwise drain a whole topic into dead letters.

As arroyo's ``DlqLimit``: a share of the last records, and a run without a good one between. Counted per
partition, for one partition's garbage says nothing about the others; a single poison record never stops anything.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Final

from shared.runtime.delivery.dead_letter import REPLAY_OF
from shared.runtime.delivery.record import Partition, Record, Rejected

LONGEST_REASON: Final = 300
NOTE: Final = "rejected-in-a-row"
MEND: Final = (
    "go back to the release before, or mend the cause and start again; "
    "if they really must be set aside, start once with a higher WHISTLE_MAX_REJECTED_IN_A_ROW and "
    "WHISTLE_MAX_REJECTED_RATIO (0 is no limit)"
)


class TooManyRejected(Exception):  # noqa: N818  named for what was found
    """Setting more records aside would drain the topic: nothing of the batch is committed, nor are its letters sent."""

    def __init__(self, at: Partition, *, why: str, first: Rejected) -> None:
        record = first.record
        super().__init__(
            f"{why} of {at.topic}/{at.number} cannot be handled; first of the latest run, at offset {record.offset}: "
            f"{first.reason[:LONGEST_REASON]}. Nothing is lost, nothing of the batch is committed. To mend it: {MEND}"
        )
        self.partition = at
        self.first = first


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectionLimits:
    """What one partition may set aside before its loop ends; 0 is no limit."""

    max_rejected_ratio: float = 0.5
    of_last: int = 1000
    """The ratio is of so many records at most, those before the present one."""
    at_least: int = 100
    """So many must be rejected among them before the ratio is judged: a quiet topic with a few bad records goes on."""
    max_rejected_in_a_row: int = 100


LIMITS: Final = RejectionLimits()
NO_LIMITS: Final = RejectionLimits(max_rejected_ratio=0, max_rejected_in_a_row=0)
"""For a topic that outsiders write: their garbage must not end a service that has other work."""


@dataclass(slots=True, kw_only=True)
class _Tally:
    """One partition's past: how many records were judged, and which of the last ones were rejected, by their number."""

    judged: int = 0
    in_a_row: int = 0
    rejected: deque[int] = field(default_factory=deque[int])
    first: Rejected | None = None
    """The first of the latest run: where somebody begins to look."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A batch that stays within the limits; ``Rejections.keep`` makes it part of the past once it is committed."""

    good: Mapping[Partition, int]
    tallies: Mapping[Partition, _Tally]


class Rejections:
    """Remembers what was rejected and says when it is too much."""

    def __init__(self, limits: RejectionLimits) -> None:
        self._limits = limits
        self._tallies: defaultdict[Partition, _Tally] = defaultdict(_Tally)
        self._recalled: set[Partition] = set()

    @property
    def in_a_row(self) -> int:
        """The longest run of rejected records that is still going on, over all partitions."""
        return max((tally.in_a_row for tally in self._tallies.values()), default=0)

    def judge(
        self,
        records: Sequence[Record],
        rejected: Sequence[Rejected],
        *,
        counts: Mapping[Partition, int] | None = None,
        passed_over: Sequence[Record] = (),
    ) -> Judged:
        """Return what a batch would make of the past; nothing is remembered before ``keep``.

        ``counts`` are the batch's records by partition, where they are known already. A record that was
        passed over was not tried, and one that an operator sent again was judged before: neither ends a
        run nor thins a ratio. The batch is walked through only when something was rejected.

        Raises:
            TooManyRejected: a partition is beyond a limit.
        """
        counts = _counts(records) if counts is None else counts
        if passed_over:
            untold = _counts(passed_over)
            counts = {at: count - untold[at] for at, count in counts.items()}
        if not rejected:
            return Judged(good=counts, tallies={})
        bad = {_place(one.record): one for one in rejected}
        untried = {_place(record) for record in passed_over}
        untried.update(_place(one.record) for one in rejected if one.record.header(REPLAY_OF) is not None)
        spoilt = {Partition(one.record.topic, one.record.partition) for one in rejected}
        tallies = {at: self._walked(at, _tried(records, at, untried), bad) for at in spoilt}
        return Judged(good={at: count for at, count in counts.items() if at not in spoilt}, tallies=tallies)

    def keep(self, judged: Judged) -> None:
        """Remember a batch that was committed."""
        for at, count in judged.good.items():
            if count:
                tally = self._tallies[at]
                tally.judged += count
                tally.in_a_row = 0
                self._forget_old(tally)
        self._tallies.update(judged.tallies)

    def forget(self) -> None:
        """Begin anew, as after a rebalance: whoever has a partition counts it."""
        self._tallies.clear()
        self._recalled.clear()

    def unknown(self, partitions: Iterable[Partition]) -> list[Partition]:
        """Return those of which the run before is not known yet."""
        return [at for at in partitions if at not in self._recalled] if self._limits.max_rejected_in_a_row else []

    def recall(self, partitions: Iterable[Partition], notes: Mapping[Partition, str]) -> None:
        """Go on with the runs that were noted beside the last commits: a restart does not begin one anew."""
        for at in partitions:
            self._recalled.add(at)
            name, _, count = notes.get(at, "").partition("=")
            if name == NOTE and count.isdecimal():
                self._tallies[at].in_a_row = int(count)

    def notes(self, partitions: Iterable[Partition]) -> dict[Partition, str]:
        """Return what to note beside the commits of these partitions: the runs that go on."""
        runs = {at: self._tallies[at].in_a_row for at in partitions if at in self._tallies}
        return {at: f"{NOTE}={run}" for at, run in runs.items() if run}

    def _walked(self, at: Partition, records: Iterable[Record], bad: Mapping[tuple[str, int, int], Rejected]) -> _Tally:
        before = self._tallies[at]
        tally = _Tally(
            judged=before.judged, in_a_row=before.in_a_row, rejected=deque(before.rejected), first=before.first
        )
        for record in records:
            tally.judged += 1
            rejection = bad.get(_place(record))
            if rejection is None:
                tally.in_a_row = 0
                continue
            self._forget_old(tally)
            if not tally.in_a_row:
                tally.first = rejection
            tally.in_a_row += 1
            tally.rejected.append(tally.judged)
            self._check(at, tally, rejection)
        return tally

    def _check(self, at: Partition, tally: _Tally, last: Rejected) -> None:
        limits, count = self._limits, len(tally.rejected)
        first = tally.first or last
        if limits.max_rejected_in_a_row and tally.in_a_row > limits.max_rejected_in_a_row:
            raise TooManyRejected(at, why=f"{tally.in_a_row} records in a row", first=first)
        of = min(tally.judged, limits.of_last)
        if limits.max_rejected_ratio and count >= limits.at_least and count > limits.max_rejected_ratio * of:
            raise TooManyRejected(at, why=f"{count} of the last {of} records", first=first)

    def _forget_old(self, tally: _Tally) -> None:
        oldest = tally.judged - self._limits.of_last
        while tally.rejected and tally.rejected[0] <= oldest:
            tally.rejected.popleft()


_TOPIC_AND_PARTITION: Final = itemgetter(0, 1)


def _place(record: Record) -> tuple[str, int, int]:
    return record.topic, record.partition, record.offset


def _counts(records: Iterable[Record]) -> Counter[Partition]:
    # Counted as plain tuples: making a Partition of each record would cost four times as much.
    return Counter({Partition(*at): count for at, count in Counter(map(_TOPIC_AND_PARTITION, records)).items()})


def _tried(records: Iterable[Record], at: Partition, untried: Collection[tuple[str, int, int]]) -> Iterable[Record]:
    return (r for r in records if (r.topic, r.partition) == at and _place(r) not in untried)
