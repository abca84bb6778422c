"""Intake's outside: cases in a dict, playbooks in a list, a clock that is told the time, a transparent vault."""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import copy
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.intake.domain.life.case import Case
from services.intake.ports import Answer, Change, ClientKey, FiledReport, NoPlaybook, Spot, Surroundings
from shared.events.case import CaseEvent
from shared.events.envelope import Event
from shared.events.parts import Place
from shared.playbook.model import Playbook
from shared.vocabulary import VILLAGE_DIGITS, Purpose, county_of
from tests.fakes.intake_chains import FakeChains
from tests.fakes.intake_deadlines import FakeDeadlines
from tests.fakes.intake_modes import FakeModes
from tests.fakes.intake_profiles import FakeProfiles


class FakeTransaction:
    """Cases, events, reports and answers; a copy of it is a transaction still open."""

    def __init__(self) -> None:
        self.cases: dict[UUID, Case] = {}
        self.events: list[Event[CaseEvent]] = []
        self.reports: dict[UUID, FiledReport] = {}
        self.kept: dict[ClientKey, Answer] = {}
        self.modes = FakeModes(self.cases)
        self.profiles = FakeProfiles(self.cases, self.reports)
        self.chains = FakeChains()
        self.deadlines = FakeDeadlines(self.cases)

    async def around(self, spots: Sequence[Spot], *, since: datetime) -> Sequence[Surroundings]:
        return [
            Surroundings(modes=tuple(await self.modes.over(spot.area)), earlier=self._earlier(spot, since))
            for spot in spots
        ]

    async def remove_canaries(self, *, before: datetime, most: int) -> int:
        views = [case.view for case in self.cases.values() if case.closed_at is not None]
        old = [v.case_id for v in views if v.purpose is Purpose.CANARY and v.opened_at < before][:most]
        for case_id in old:
            del self.cases[case_id]
        return len(old)

    def _earlier(self, spot: Spot, since: datetime) -> tuple[datetime, ...]:
        village = spot.area[:VILLAGE_DIGITS]
        views = (case.view for case in self.cases.values() if len(village) == VILLAGE_DIGITS)
        like = (
            v
            for v in views
            if (v.area[:VILLAGE_DIGITS], v.category, v.purpose) == (village, spot.category, spot.purpose)
        )
        return tuple(sorted((v.opened_at for v in like if v.opened_at >= since), reverse=True)[:16])

    async def claim(self, answers: Mapping[ClientKey, Answer]) -> frozenset[ClientKey]:
        free = frozenset(answers) - frozenset(self.kept)
        self.kept |= {key: answers[key] for key in free}
        return free

    async def answers(self, keys: Collection[ClientKey]) -> Mapping[ClientKey, Answer]:
        return {key: self.kept[key] for key in keys if key in self.kept}

    async def load(self, case_ids: Collection[UUID]) -> Mapping[UUID, Case]:
        return {case_id: self.cases[case_id] for case_id in case_ids if case_id in self.cases}

    async def save(self, changes: Sequence[Change]) -> None:
        self.cases.update({change.case.view.case_id: change.case for change in changes})
        self.events += [event for change in changes for event in change.events]

    async def file(self, reports: Sequence[FiledReport]) -> None:
        self.reports |= {report.report_id: report for report in reports}

    def opened(self) -> "FakeTransaction":
        other = copy(self)
        other.cases, other.events = dict(self.cases), list(self.events)
        other.reports, other.kept = dict(self.reports), dict(self.kept)
        other.modes = self.modes.opened(other.cases)
        other.profiles = self.profiles.opened(other.cases, other.reports)
        other.chains = self.chains.opened()
        other.deadlines = self.deadlines.opened(other.cases)
        return other


class FakeCaseStore:
    """See ``ports.CaseStore``; ``away`` is what PostgreSQL raises while it is set."""

    def __init__(self) -> None:
        self.state = FakeTransaction()
        self.away: Exception | None = None
        self.away_at_commit: Exception | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[FakeTransaction]:
        if self.away is not None:
            raise self.away
        open_one = self.state.opened()
        yield open_one
        if self.away_at_commit is not None:
            raise self.away_at_commit
        self.state = open_one


class FakePlaybooks:
    """See ``ports.Playbooks``."""

    def __init__(self, *playbooks: Playbook) -> None:
        self._playbooks = {playbook.county: playbook for playbook in playbooks}

    def put(self, playbook: Playbook) -> None:
        """Put another playbook of its county into force."""
        self._playbooks[playbook.county] = playbook

    def of(self, area: str) -> Playbook:
        found = self._playbooks.get(county_of(area))
        if found is None:
            raise NoPlaybook(f"no playbook for {area}", field="area", allowed=sorted(self._playbooks))
        return found

    def counties(self) -> Sequence[str]:
        return sorted(self._playbooks)

    def around(self, place: Place) -> Sequence[str]:
        return self.counties()


class FakeVault:
    """See ``ports.Vault``; seals by turning bytes round."""

    def seal(self, plain: bytes, *, county: str, about: UUID) -> bytes:
        return plain[::-1]

    async def read(self, sealed: bytes, *, about: UUID) -> bytes:
        return sealed[::-1]

    def person(self, phone: str) -> bytes | None:
        return phone.encode() or None

    def fingerprint(self, plain: bytes) -> bytes:
        return plain

    def matches(self, fingerprint: bytes, plain: bytes) -> bool:
        return fingerprint == plain

    def hide(self, text: str, *, about: bytes) -> str:
        return text[::-1]

    def uncover(self, hidden: str, *, about: bytes) -> str:
        return hidden[::-1]


class ToldClock:
    """Says the time it was told."""

    def __init__(self, now: datetime = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, span: timedelta) -> None:
        self.now += span
