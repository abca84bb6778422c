"""One suite for the store's port: the fake that unit tests use and the real PostgreSQL must agree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from services.intake.domain.case import Case
from services.intake.domain.commands import FoldOrderIssued, SignOrder
from services.intake.domain.decide import decide
from services.intake.handlers.doors import change_of
from services.intake.ports import Answer, CaseStore, Change, ClientKey, FiledReport
from services.intake.store import PostgresCaseStore
from shared.events.case import CaseEvent
from shared.runtime.migrate import migrate
from shared.runtime.postgres import open_pool
from shared.vocabulary import Source
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
        await until(lambda: pool.fetchval(waiting), seconds=10)
        assert not second.done()
    assert await second == [change.case]
    await pool.close()
