"""Which clocks a case has and how each stands, as one would keep it on paper by the table of semantics.

Source: domain.md, "Clocks": the default profile and the semantics to keep. Written from those, not from the service:
nothing here is taken from it. Instants are whole minutes since a Monday at nine in the morning, local time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

DAY: Final = 1440
OPEN: Final = tuple(
    minute
    for day in range(120)
    for minute in (*range(day * DAY - 60, day * DAY + 180), *range(day * DAY + 300, day * DAY + 540))
    if day % 7 < 5
)
"""Every minute that is worked: eight to twelve and two to six, Monday to Friday."""

GAS, OTHER = "gas", "other"
WORKED: Final = "worked"
ROUND_THE_CLOCK: Final = "round the clock"
LIMITS: Final = {
    ("accept", GAS): (15, ROUND_THE_CLOCK),
    ("accept", OTHER): (15, ROUND_THE_CLOCK),
    ("dispatch", GAS): (5, ROUND_THE_CLOCK),
    ("dispatch", OTHER): (15, ROUND_THE_CLOCK),
    ("sign_in", GAS): (10, ROUND_THE_CLOCK),
    ("sign_in", OTHER): (240, WORKED),
    ("arrive", GAS): (30, ROUND_THE_CLOCK),
    ("handle", GAS): (120, ROUND_THE_CLOCK),
    ("handle", OTHER): (960, WORKED),
    ("feedback", GAS): (120, ROUND_THE_CLOCK),
    ("feedback", OTHER): (7 * DAY, ROUND_THE_CLOCK),
    ("verify", GAS): (30, ROUND_THE_CLOCK),
    ("verify", OTHER): (30, ROUND_THE_CLOCK),
}
WHISTLED_ARRIVAL: Final = (30, ROUND_THE_CLOCK)
CASES_OWN: Final = ("accept", "dispatch", "feedback", "supervise")


def counted(start: int, end: int, measure: str) -> int:
    """How many minutes between two instants count."""
    if measure == ROUND_THE_CLOCK:
        return max(end - start, 0)
    return max(bisect_left(OPEN, end) - bisect_left(OPEN, start), 0)


def later(start: int, amount: int, measure: str) -> int:
    """When so many minutes that count have passed; nothing is over at once."""
    if amount <= 0 or measure == ROUND_THE_CLOCK:
        return start + max(amount, 0)
    last: int = OPEN[bisect_left(OPEN, start) + amount - 1]
    return last + 1


@dataclass
class Run:
    """A stretch of time in which a limit ran: what held it, let it go on and put it off, until it ended."""

    start: int
    log: list[tuple[str, int, int]] = field(default_factory=list)
    end: int | None = None


@dataclass
class Sheet:
    """One clock on paper; ``earlier`` are runs that used up part of the same limit. Without limit it is not shown."""

    kind: str
    order: int | None
    limit: tuple[int, str] | None
    run: Run
    whistled: bool = False
    earlier: list[Run] = field(default_factory=list)
    outcome: str | None = None
    breached: bool = False
    replaced: bool = False
    """Another under the right name of the case took its place: the same run, not one more."""

    @property
    def runs(self) -> bool:
        """Nothing has stopped it yet."""
        return self.outcome is None

    def stand(self) -> tuple[int | None, int | None, int]:
        """When it is due, or since when it stands still and with how much left."""
        assert self.limit is not None
        left, measure = self.limit
        for run in self.earlier:
            left = _left(run, left, measure)
        return _play(self.run, left, measure)

    def shown(self) -> tuple[object, ...]:
        """What can be compared of it; what was left of one that stopped in time is nobody's matter."""
        due, held, left = self.stand()
        end: object = (held, left) if due is None else due
        if not self.runs and not self.breached:
            end = ""
        return (
            self.kind, str(self.order), self.run.start, self.outcome or "running", self.run.end, str(end), self.breached
        )  # fmt: skip


def _play(run: Run, left: int, measure: str) -> tuple[int | None, int | None, int]:
    due: int | None = later(run.start, left, measure)
    held: int | None = None
    for what, at, to in run.log:
        if due is not None and at >= due:
            break  # late: nothing that is done to it matters any more
        if what == "hold" and due is not None:
            left, due, held = counted(at, due, measure), None, at
        elif what == "go" and due is None:
            due, held = later(at, left, measure), None
        elif what == "put off" and due is not None and to > due:
            due = to
    return due, held, left


def _left(run: Run, left: int, measure: str) -> int:
    due, _, rest = _play(run, left, measure)
    assert run.end is not None
    return rest if due is None else counted(run.end, due, measure)


class Paper:
    """All clocks of one case, and what people and time do to them; every deed is at an instant, never before the last.

    Conditions are tried in one order: lateness, then the deed that stops, then what calls off, then what starts.
    """

    def __init__(self, category: str) -> None:
        self.category = category
        self.sheets: list[Sheet] = []
        self.held: str | None = None
        self.assists: set[int] = set()
        self.returned: dict[str, list[int]] = {}
        self._answer: Sheet | None = None

    def pass_time(self, now: int) -> None:
        """Whoever is due by now is late, for ever; one that stands still is not."""
        for sheet in self.running():
            if sheet.limit is not None and not sheet.breached:
                due, _, _ = sheet.stand()
                sheet.breached = due is not None and due <= now

    def running(self, kind: str | None = None, order: int | None = None) -> Iterator[Sheet]:
        """Those that run, of a kind, of an order."""
        for sheet in list(self.sheets):
            if sheet.runs and kind in (None, sheet.kind) and order in (None, sheet.order):
                yield sheet

    def begin(self, kind: str, now: int, order: int | None = None, **more: object) -> Sheet:
        """Another clock runs; one that begins while its like stands still stands still."""
        whistled = bool(more.get("whistled"))
        sheet = Sheet(kind, order, self._limit(kind, whistled=whistled), Run(now), whistled=whistled)
        earlier = more.get("earlier")
        sheet.earlier = list(earlier) if isinstance(earlier, list) else []
        if self.held is not None and self._is_held(sheet, self.held):
            sheet.run.log.append(("hold", now, 0))
        self.sheets.append(sheet)
        return sheet

    def stop(self, now: int, outcome: str, kind: str | None = None, order: int | None = None) -> None:
        """Those of a kind and of an order run no more."""
        for sheet in self.running(kind, order):
            sheet.outcome, sheet.run.end = outcome, now

    def order(self, number: int, now: int, *, role: str, target: str, ruling: bool, whistled: bool) -> None:
        """Somebody is asked: each has clocks of its own; a lead ends the dispatcher's."""
        if role == "lead":
            self.stop(now, "met", "dispatch")
        else:
            self.assists.add(number)
        self.begin("sign_in", now, number, whistled=whistled)
        if role == "oversee":
            return
        if not ruling:
            self.begin("arrive", now, number, whistled=whistled)
        back = set(self.returned.get(target, ()))
        used = [one for one in self.sheets if one.kind == "handle" and one.order in back and not one.replaced]
        self.begin("handle", now, number, earlier=[sheet.run for sheet in used])

    def hold(self, now: int, how: str) -> None:
        """The case is paused or hung: what is left of each that it holds is kept."""
        before, self.held = self.held, how
        for sheet in self.running():
            if self._is_held(sheet, how) and not (before and self._is_held(sheet, before)):
                sheet.run.log.append(("hold", now, 0))

    def go_on(self, now: int) -> None:
        """What stood still goes on."""
        for sheet in self.running():
            if self.held is not None and self._is_held(sheet, self.held):
                sheet.run.log.append(("go", now, 0))
        self.held = None

    def put_off(self, now: int, order: int, to: int) -> None:
        """An extension: the handling of one order is due at that very instant, never sooner than before."""
        for sheet in self.running("handle", order):
            sheet.run.log.append(("put off", now, to))

    def resolve(self, now: int, order: int, *, leads: bool, answered: bool) -> None:
        """The work is done; with the lead's word it is to be checked, and maybe whoever reported knows."""
        for kind in ("sign_in", "arrive", "handle"):
            self.stop(now, "met", kind, order)
        self._answer = None
        if answered:
            self._answer = next(self.running("feedback"), None)
            self.stop(now, "met", "feedback")
        if leads:
            self.begin("verify", now, order)

    def reject(self, now: int, order: int) -> None:
        """Not good enough: the rest of the limit goes on, and the answer was none."""
        self.stop(now, "met", "verify")
        done = [sheet for sheet in self.sheets if sheet.kind == "handle" and sheet.order == order]
        last = [sheet for sheet in done if sheet.outcome == "met"][-1]
        self.begin("handle", now, order, earlier=[*last.earlier, last.run])
        if self._answer is not None:
            self.begin("feedback", now, earlier=[*self._answer.earlier, self._answer.run])
            self._answer = None

    def rename(self, now: int, category: str, standing: list[int]) -> None:
        """The right name: another clock from the same start, less the time that the first stood still."""
        self.category = category
        for sheet in self.running():
            if sheet.kind in ("dispatch", "feedback") or sheet.order in standing:
                limit = self._limit(sheet.kind, whistled=sheet.whistled)
                run = Run(sheet.run.start, list(sheet.run.log))
                again = Sheet(sheet.kind, sheet.order, limit, run, sheet.whistled, list(sheet.earlier))
                sheet.outcome, sheet.run.end = "cancelled", now
                sheet.replaced = True
                self.sheets.append(again)

    def supervise(self, now: int, due: int) -> Sheet:
        """A person names the date of the reply."""
        sheet = self.begin("supervise", now)
        sheet.limit = (due - now, ROUND_THE_CLOCK)
        return sheet

    def shown(self) -> list[tuple[object, ...]]:
        """Every clock that has a limit, in an order of its own."""
        return sorted(sheet.shown() for sheet in self.sheets if sheet.limit is not None)

    def _is_held(self, sheet: Sheet, how: str) -> bool:
        return how == "hung" or sheet.kind in CASES_OWN or sheet.order not in self.assists

    def _limit(self, kind: str, *, whistled: bool) -> tuple[int, str] | None:
        if kind == "supervise":
            return 0, ROUND_THE_CLOCK
        found = LIMITS.get((kind, self.category))
        return WHISTLED_ARRIVAL if found is None and kind == "arrive" and whistled else found
