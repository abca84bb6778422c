"""One suite for the store's port: the fake that unit tests use and the real PostgreSQL must agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import FoldOrderIssued, SignOrder
from services.intake.domain.modes import ChangeState, InForce, ModeChange
from services.intake.domain.moves.decide import decide
from services.intake.handlers.doors import change_of
from services.intake.ports import Answer, CaseStore, Change, ClientKey, FiledReport, Settling, Spot, Transaction
from services.intake.store.cases import PostgresCaseStore
from shared.events.case import CaseEvent
from shared.events.envelope import Event
from shared.events.mode import ModeChanged
from shared.events.parts import PlaybookRef
from shared.runtime.migrate import migrate
from shared.runtime.postgres import open_pool
from shared.vocabulary import ModeKind, Purpose, Severity, Source
from tests.fakes.intake import FakeCaseStore
from tests.integration.intake.waiting import until
from tests.unit.intake.cases import SOMEBODY, TOWN_DESK, opening, order

AT = datetime(2026, 11, 23, 4, 5, 6, 789_012, tzinfo=UTC)


@pytest.fixture(params=("fake", "postgres"))
async def store(request: pytest.FixtureRequest, postgres: str) -> AsyncIterator[CaseStore]:
    if request.param == "fake":
        yield FakeCaseStore()
        return
    await migrate(postgres, ["intake"])
    pool = await open_pool(postgres, "intake")
    yield PostgresCaseStore(pool)
    await pool.close()


def opened() -> Change:
    return change_of(None, decide(None, opening(case_id=uuid4()), AT), at=AT)


def then(change: Change) -> Change:
    """Routed and signed in one go."""
    case: Case = change.case
    lead = order(TOWN_DESK)
    events: list[CaseEvent] = []
    for command in (FoldOrderIssued(order=lead), SignOrder(order_id=lead.order_id, by=SOMEBODY, note="好'\"\\\n")):
        more = decide(case, command, AT)
        case = change_of(case, more, at=AT).case
        events += more
    return change_of(change.case, events, at=AT)


def paper(change: Change) -> FiledReport:
    return FiledReport(
        report_id=uuid4(),
        case_id=change.case.view.case_id,
        source=Source.HOTLINE,
        sender="k",
        text="燃气",
        received_at=AT,
        occurred_at=None,
        sealed=b"\x00\xff",
    )


def client_key() -> ClientKey:
    return ClientKey(owner="k", key=str(uuid4()))


async def load(store: CaseStore, *case_ids: UUID) -> Sequence[Case]:
    async with store.transaction() as transaction:
        return list((await transaction.load(case_ids)).values())


async def test_a_saved_case_is_loaded_as_it_was(store: CaseStore) -> None:
    change = opened()
    async with store.transaction() as transaction:
        await transaction.save([change])
        await transaction.file([paper(change)])
    assert await load(store, change.case.view.case_id) == [change.case]


async def test_two_changes_of_one_case_in_one_save_leave_the_last(store: CaseStore) -> None:
    first = opened()
    second = then(first)
    async with store.transaction() as transaction:
        await transaction.save([first, second])
    assert await load(store, first.case.view.case_id) == [second.case]


async def test_a_case_that_is_not_there_is_left_out(store: CaseStore) -> None:
    change = opened()
    async with store.transaction() as transaction:
        await transaction.save([change])
    assert await load(store, uuid4(), change.case.view.case_id) == [change.case]


async def test_an_exception_undoes_all_of_a_transaction(store: CaseStore) -> None:
    change, key = opened(), client_key()

    async def fails() -> None:
        async with store.transaction() as transaction:
            await transaction.claim({key: Answer(fingerprint=b"f", body="{}")})
            await transaction.save([change])
            raise RuntimeError("half-way")

    with pytest.raises(RuntimeError):
        await fails()
    assert await load(store, change.case.view.case_id) == []
    async with store.transaction() as transaction:
        assert await transaction.answers([key]) == {}


async def test_a_key_is_claimed_once_and_its_answer_given_back_byte_for_byte(store: CaseStore) -> None:
    key, free = client_key(), client_key()
    first = Answer(fingerprint=b"\x00f", body='{"b":1, "a":"水"}')
    async with store.transaction() as transaction:
        assert await transaction.claim({key: first}) == {key}
    async with store.transaction() as transaction:
        other = replace(first, body="{}")
        assert await transaction.claim({key: other, free: other}) == {free}
        assert (await transaction.answers([key]))[key] == first


async def test_nothing_to_do_is_done(store: CaseStore) -> None:
    async with store.transaction() as transaction:
        await transaction.save([])
        await transaction.file([])
        assert await transaction.claim({}) == frozenset()
        assert await transaction.load([]) == {}


async def test_a_loaded_case_is_locked_until_the_transaction_ends(postgres: str) -> None:
    await migrate(postgres, ["intake"])
    pool = await open_pool(postgres, "intake")
    store, change = PostgresCaseStore(pool), opened()
    case_id = change.case.view.case_id
    async with store.transaction() as transaction:
        await transaction.save([change])
    async with store.transaction() as transaction:
        await transaction.load([case_id])
        second = asyncio.create_task(load(store, case_id))
        waiting = (
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        await until(lambda: pool.fetchval(waiting))
        assert not second.done()
    assert await second == [change.case]
    await pool.close()


def changed(mode: str, *, at: int = 1) -> Event[ModeChanged]:
    data = ModeChanged(
        change_id=uuid4(),
        area="990101",
        mode=mode,
        before="normal",
        kind=ModeKind.NORMAL if mode == "normal" else ModeKind.EMERGENCY,
        title="防汛",
        title_en="Flood",
        by=SOMEBODY,
        reason="汛",
        changed_at=AT,
        playbook=PlaybookRef(version="1", digest="0" * 64),
        grade=None if mode == "normal" else Severity.II,
    )
    return Event(id=uuid4(), source="/t", subject="990101", time=AT, sequence=at, data=data)


def asked_for(event: Event[ModeChanged], state: ChangeState = ChangeState.PROPOSED) -> ModeChange:
    data = event.data
    return ModeChange(
        change_id=data.change_id,
        area=data.area,
        mode=data.mode,
        by=data.by,
        reason=data.reason,
        state=state,
        proposed_at=AT,
    )


async def test_a_mode_entered_is_over_its_area_and_what_lies_inside(store: CaseStore) -> None:
    for at, mode in enumerate(("flood", "normal", "flood"), start=1):
        event = changed(mode, at=at)
        async with store.transaction() as transaction:
            await transaction.modes.hold("990101")
            await transaction.modes.propose(asked_for(event))
            await transaction.modes.enter(event)
    spot = Spot(area="990101001001001", category="03.001", purpose=Purpose.REAL)
    elsewhere = replace(spot, area="990199001")
    async with store.transaction() as transaction:
        found, none = await transaction.around([spot, elsewhere], since=AT)
        over = await transaction.modes.over(spot.area)
    flood = InForce(area="990101", mode="flood", kind=ModeKind.EMERGENCY, grade=Severity.II, version=3)
    assert (found.modes, tuple(over), none.modes) == ((flood,), (flood,), ())


async def test_a_later_proposal_supersedes_and_a_rules_wish_is_kept_once(store: CaseStore) -> None:
    first, second = asked_for(changed("flood")), asked_for(changed("storm"))
    wish = replace(asked_for(changed("flood")), state=ChangeState.RULED)
    async with store.transaction() as transaction:
        await transaction.modes.propose(first)
        await transaction.modes.propose(second)
        await transaction.modes.ask([wish, wish])
        await transaction.modes.ask([replace(wish, reason="again")])
    async with store.transaction() as transaction:
        before = await transaction.modes.change(first.change_id)
        assert before is not None
        assert before.state is ChangeState.SUPERSEDED
        assert await transaction.modes.change(second.change_id) == second
        assert wish in await transaction.modes.asked(100)
        await transaction.modes.decide(replace(wish, state=ChangeState.VOID))
        assert wish not in await transaction.modes.asked(100)
        assert await transaction.modes.change(uuid4()) is None


async def test_a_walk_meets_every_open_case_of_its_area_once_in_order(store: CaseStore) -> None:
    areas = ("990155001", "990155001001", "990155002001001", "990155001", "990156001")
    cases = [change_of(None, decide(None, opening(case_id=uuid4(), area=a), AT), at=AT) for a in areas]
    event = changed("flood")
    event = replace(event, data=replace(event.data, area="990155"), subject="990155")
    async with store.transaction() as transaction:
        await transaction.save(cases)
        await transaction.modes.propose(asked_for(event))
        await transaction.modes.enter(event)
    met: list[tuple[str, UUID]] = []
    while True:
        async with store.transaction() as transaction:
            settling = await taken(transaction, event.data.change_id)
            some = await transaction.modes.next_cases(settling, 2)
            if not some:
                await transaction.modes.finish(settling, at=AT)
                break
            met += some
            await transaction.modes.walked(settling, to=some[-1], seen=len(some), changed=0)
    expected = sorted((one.case.view.area, one.case.view.case_id) for one in cases[:4])
    assert met == expected


async def taken(transaction: Transaction, change_id: UUID) -> Settling:
    """The walk of that change; those that other tests have left are ended."""
    while True:
        settling = await transaction.modes.take_settling()
        assert settling is not None
        if settling.change_id == change_id:
            return settling
        await transaction.modes.finish(settling, at=AT)


async def test_earlier_cases_are_of_one_category_purpose_and_village(store: CaseStore) -> None:
    village = "990177001001"
    times = [AT + timedelta(minutes=n) for n in range(20)]
    opened_then = [
        change_of(None, decide(None, opening(case_id=uuid4(), area=f"{village}00{n % 2 + 1}"), at), at=at)
        for n, at in enumerate(times)
    ]
    others = (
        {"category": "01"},
        {"area": "990177001002"},
        {"purpose": Purpose.DRILL, "area": village},
        {"area": "990177001"},
    )
    noise = [
        change_of(None, decide(None, opening(**{"case_id": uuid4(), "area": village, **other}), AT), at=AT)
        for other in others
    ]
    async with store.transaction() as transaction:
        await transaction.save([*opened_then, *noise])
    spot = Spot(area=village, category=opened_then[0].case.view.category, purpose=Purpose.REAL)
    async with store.transaction() as transaction:
        newest = await _around(transaction, spot, AT)
        recent = await _around(transaction, spot, times[18])
        town = await _around(transaction, replace(spot, area=village[:9]), AT)
    assert newest == tuple(reversed(times))[:16]
    assert recent == (times[19], times[18])
    assert town == ()


async def _around(transaction: Transaction, spot: Spot, since: datetime) -> tuple[datetime, ...]:
    (found,) = await transaction.around([spot], since=since)
    return found.earlier
