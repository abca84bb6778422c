"""docs/clocks.md says what each deed does to each clock: its table is what the code does, and nothing else."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

import pytest

from services.escalation.domain.clocks import Demand, demanded
from services.escalation.domain.moves import MoveKind
from shared.events.order import Order
from shared.events.parts import Target
from shared.events.sla import Outcome
from shared.vocabulary import ClockKind, OrderRole, Source, TargetKind
from tests.fakes.small_county import GAS_LEAK, WEST, WEST_VILLAGE
from tests.fakes.story import Story
from tests.unit.escalation.test_clocks import folded

START: Final = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)
DOC: Final = Path(__file__).parents[3] / "docs" / "clocks.md"
DESK: Final = Target(kind=TargetKind.DESK, id=WEST)
COLUMNS: Final = ("stop", "cancel", "pause", "resume", "put off", "reset")


class Scene:
    """A case in which one clock runs, and every deed that could touch it."""

    def __init__(self, kind: ClockKind) -> None:
        self.kind = kind
        self.told = Story("scene", area=WEST_VILLAGE, at=START)
        self.order: Order | None = None
        self.which: UUID | None = None
        self._set()

    def _set(self) -> None:
        told = self.told
        if self.kind is ClockKind.ACCEPT:
            told.received()
            return
        told.source = Source.SENSOR if self.kind is ClockKind.FEEDBACK else told.source
        told.opened()
        if self.kind is ClockKind.DISPATCH:
            return
        self.order = told.issued(WEST_VILLAGE)
        told.routed(self.order)
        self.report = told.joined()
        if self.kind is ClockKind.SUPERVISE:
            self.which = told.supervised(DESK, START + timedelta(days=3))
        if self.kind is ClockKind.VERIFY:
            told.resolved(self.order)

    def clocks(self) -> list[Demand]:
        found = [one for one in demanded(folded(self.told.events)) if one.kind is self.kind]
        return [one for one in found if one.order is None or one.order.order == self.order]

    def deeds(self) -> dict[str, Callable[[], object]]:
        told, order = self.told, self.order
        found: dict[str, Callable[[], object]] = {
            "refused": told.refused, "merged": told.merged, "closed": told.closed,
            "paused": told.paused, "hung": told.hung, "verified": told.verified,
            "named anew": lambda: told.recategorised(GAS_LEAK, *([order] if order else [])),
            "another's order": lambda: told.issued(WEST, role=OrderRole.ASSIST),
        }  # fmt: skip
        if order is None:
            found["a lead's order"] = lambda: told.issued(WEST_VILLAGE)
            return found | ({"filed": told.filed} if self.kind is ClockKind.ACCEPT else {})
        found |= {
            "signed": lambda: told.signed(order), "arrived": lambda: told.arrived(order),
            "resolved": lambda: told.resolved(order), "answered": lambda: told.resolved(order, answered=True),
            "returned": lambda: told.returned(order), "rejected": lambda: told.rejected(order),
            "withdrawn": lambda: told.withdrawn(order), "released": lambda: told.released(order),
            "extended": lambda: told.extended(order, START + timedelta(days=9)),
            "split": lambda: told.split(self.report),
        }  # fmt: skip
        if self.kind is ClockKind.VERIFY:
            del found["resolved"], found["answered"]
        if self.which is not None:
            which = self.which
            found |= {
                "replied": lambda: told.replied(which), "signed off": lambda: told.signed_off(which),
                "sent back": lambda: told.sent_back(which, START + timedelta(days=5)),
            }  # fmt: skip
        return found


def effects(kind: ClockKind) -> dict[str, list[str]]:
    """By column, the deeds that do it to a running clock of ``kind``."""
    found: dict[str, list[str]] = {column: [] for column in COLUMNS}
    for name in Scene(kind).deeds():
        scene = Scene(kind)
        before = {one.clock_id for one in scene.clocks()}
        scene.deeds()[name]()
        (clock,) = [one for one in scene.clocks() if one.clock_id in before]
        if clock.stop is not None:
            found["stop" if clock.stop.outcome is Outcome.MET else "cancel"].append(name)
        elif clock.moves:
            found["put off" if clock.moves[-1].kind is MoveKind.EXTEND else "pause"].append(name)
        if len(scene.clocks()) > len(before):
            found["reset"].append(name)
    found["resume"] = ["resumed"] if _resumes(kind) else []
    return found


def _resumes(kind: ClockKind) -> bool:
    scene = Scene(kind)
    scene.told.hung()
    scene.told.resumed()
    return [move.kind for move in scene.clocks()[-1].moves] == [MoveKind.HOLD, MoveKind.GO]


def row(kind: ClockKind) -> str:
    """The line of the table."""
    cells = effects(kind)
    return " | ".join((f"| {kind}", *(", ".join(sorted(cells[column])) or "–" for column in COLUMNS))) + " |"


@pytest.mark.parametrize("kind", tuple(ClockKind))
def test_the_table_of_conditions_says_what_each_deed_does(kind: ClockKind) -> None:
    assert row(kind) in DOC.read_text(encoding="utf-8").splitlines()


def test_it_has_a_line_for_each_clock() -> None:
    lines = DOC.read_text(encoding="utf-8").splitlines()
    assert [line.split(" ")[1] for line in lines if line.startswith(tuple(f"| {kind} |" for kind in ClockKind))] == [
        *(str(kind) for kind in ClockKind), *(str(kind) for kind in ClockKind)
    ]  # fmt: skip
