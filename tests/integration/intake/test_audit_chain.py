"""Whatever is done to the audit behind its back is found, and named."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.intake.custody import CountedAnew, Looked
from services.intake.domain.auditing import Flaw
from services.intake.domain.moves.decide import decide
from services.intake.handlers.doors import change_of
from services.intake.store.audit import PostgresAudit
from services.intake.store.cases import PostgresCaseStore
from shared.runtime.migrate import migrate
from shared.runtime.origin import Origin, coming_from
from shared.runtime.postgres import open_pool
from shared.vocabulary import Purpose
from tests.integration.intake.waiting import until
from tests.unit.intake.cases import opening

if TYPE_CHECKING:
    from shared.runtime.postgres import Pool

AT = datetime(2030, 1, 1, tzinfo=UTC)


class World:
    """A database with an audit; ``pool`` may do everything, for the role owns the tables."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.store = PostgresCaseStore(pool)
        self.audit = PostgresAudit(pool)

    async def open_case(self, purpose: Purpose = Purpose.REAL) -> UUID:
        command = opening(case_id=uuid4(), purpose=purpose)
        with coming_from(Origin(channel="http /v1/reports", address="10.0.0.7")):
            change = change_of(None, decide(None, command, AT), at=AT)
        async with self.store.transaction() as transaction:
            await transaction.save([change])
        return command.case_id

    async def seal(self) -> None:
        """Seal all that waits; transactions of others on the same server may hold it up for a moment."""

        async def all_sealed() -> bool:
            await self.audit.seal(at=AT)
            return (await self.audit.state()).waiting == 0

        await until(all_sealed, seconds=60)

    async def forge(self, statement: str, *arguments: object) -> None:
        """Do ``statement`` as somebody who may silence triggers."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_stays")
            await connection.execute("ALTER TABLE audit_block DISABLE TRIGGER audit_block_stays")
            await connection.execute(statement, *arguments)
            await connection.execute("ALTER TABLE audit ENABLE TRIGGER audit_stays")
            await connection.execute("ALTER TABLE audit_block ENABLE TRIGGER audit_block_stays")

    async def flaw(self) -> Flaw | None:
        """The first flaw of the whole audit, read in small steps."""
        after, more = 0, True
        while more:
            found = await self.audit.check(after=after, most=2)
            if found.flaw is not None:
                return found.flaw
            after, more = found.last, found.more
        case: UUID | None = UUID(int=0)
        while case is not None:
            case, flaw = await self.audit.check_facts(after=case, most=2)
            if flaw is not None:
                return flaw
        return None


@pytest.fixture
async def world(postgres: str) -> AsyncIterator[World]:
    await migrate(postgres, ["intake"])
    pool = await open_pool(postgres, "intake")
    await pool.execute("DROP SCHEMA intake CASCADE")
    await pool.close()
    await migrate(postgres, ["intake"])
    pool = await open_pool(postgres, "intake")
    world = World(pool)
    for _ in range(3):
        for _ in range(3):
            await world.open_case()
        await world.seal()
    yield world
    await pool.close()


async def test_an_untouched_audit_holds(world: World) -> None:
    assert await world.flaw() is None
    state = await world.audit.state()
    assert state.head is not None
    assert (await world.audit.check(after=0, most=1000)).head == state.head.head
    assert (await world.audit.check(after=0, most=1000)).entries == 9


async def test_a_fact_says_who_when_why_and_from_where(world: World) -> None:
    case_id = await world.open_case()
    (entry,) = await world.audit.of_subject(case_id, after=(0, 0), most=10)
    assert (entry.kind, entry.version) == ("whistle.case.opened.v1", 1)
    assert (entry.who, entry.origin) == ("source hotline", "http /v1/reports 10.0.0.7")
    assert entry.at == AT


async def test_a_canary_leaves_no_entry(world: World) -> None:
    assert not await world.audit.of_subject(await world.open_case(Purpose.CANARY), after=(0, 0), most=10)
    assert await world.flaw() is None


@pytest.mark.parametrize(
    "statement",
    ("UPDATE audit SET who = 'nobody'", "DELETE FROM audit", "TRUNCATE audit", "UPDATE audit_block SET marks = ''"),
)
async def test_the_audit_is_append_only(world: World, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await world.pool.execute(statement)


FORGED = {
    "a changed entry": ("UPDATE audit SET who = 'desk 990101' WHERE entry = 5", 5, "was changed"),
    "a changed reason": ("UPDATE audit SET why = 'x' WHERE entry = 2", 2, "was changed"),
    "a removed entry": ("DELETE FROM audit WHERE entry = 4", None, "missing"),
    "the last removed entry": ("DELETE FROM audit WHERE entry = 9", None, "missing"),
    "an added entry": (
        """INSERT INTO audit (turn, at, kind, subject, who, key_id, why, origin, digest)
        SELECT turn, at, 'read', subject, who, key_id, why, origin, digest FROM audit WHERE entry = 5""",
        None,
        "was added",
    ),
    "entries that changed places": (
        (
            "UPDATE audit SET turn = CASE entry WHEN 4 THEN (SELECT turn FROM audit WHERE entry = 6) "
            "ELSE (SELECT turn FROM audit WHERE entry = 4) END WHERE entry IN (4, 6)"
        ),
        None,
        "",
    ),
    "a changed fact": (
        (
            "UPDATE case_event SET data = jsonb_set(data, '{text}', '\"x\"') "
            "WHERE event_id = (SELECT event_id FROM audit WHERE entry = 5)"
        ),
        5,
        "which was changed",
    ),
    "a fact told to come from elsewhere": (
        "UPDATE case_event SET origin = 'x' WHERE event_id = (SELECT event_id FROM audit WHERE entry = 5)",
        5,
        "which was changed",
    ),
    "a removed fact": (
        "DELETE FROM case_event WHERE event_id = (SELECT event_id FROM audit WHERE entry = 8)",
        8,
        "which was changed",
    ),
    "a removed block": ("DELETE FROM audit_block WHERE block = 2", None, "block 2 is missing"),
    "a block's other marks": (
        "UPDATE audit_block SET marks = substr(marks, 17) WHERE block = 2",
        None,
        "its head is another's",
    ),
    "an entry of a time to come": (
        """INSERT INTO audit (turn, at, kind, subject, who, key_id, why, origin, digest)
        SELECT turn + 1000000000, at, 'read', subject, who, key_id, why, origin, digest FROM audit WHERE entry = 5""",
        None,
        "has not happened",
    ),
}


@pytest.mark.parametrize("name", FORGED)
async def test_a_forgery_is_found_and_named(world: World, name: str) -> None:
    statement, entry, words = FORGED[name]
    await world.forge(statement)
    flaw = await world.flaw()
    assert flaw is not None
    assert words in flaw.words
    assert entry is None or flaw.entry == entry


async def test_a_fact_slipped_in_without_an_entry_is_found(world: World) -> None:
    await world.pool.execute("ALTER TABLE case_event DISABLE TRIGGER audit_facts")
    await world.open_case()
    await world.pool.execute("ALTER TABLE case_event ENABLE TRIGGER audit_facts")
    flaw = await world.flaw()
    assert flaw is not None
    assert "have no entry" in flaw.words


async def test_a_hole_in_the_versions_is_found(world: World) -> None:
    case_id = await world.open_case()
    await world.pool.execute("UPDATE case_snapshot SET version = 3 WHERE case_id = $1", case_id)
    flaw = await world.flaw()
    assert flaw is not None
    assert "stands at version 3 and has 1 facts" in flaw.words


async def test_blocks_made_anew_no_longer_hold_a_head_that_was_noted(world: World) -> None:
    noted = await world.audit.state()
    await world.forge("UPDATE audit SET who = 'desk 990101' WHERE entry = 8")
    await world.forge("DELETE FROM audit_block WHERE block = 3")
    await world.seal()
    assert await world.flaw() is None  # well forged: only the head noted elsewhere tells
    now = await world.audit.state()
    assert noted.head is not None
    assert now.head is not None
    assert now.head.block == noted.head.block
    assert now.head.head != noted.head.head


async def test_an_entry_of_a_transaction_still_open_is_sealed_after_it_has_ended(world: World) -> None:
    opened, may_end = asyncio.Event(), asyncio.Event()
    command = opening(case_id=uuid4())

    async def slow() -> None:
        async with world.store.transaction() as transaction:
            await transaction.save([change_of(None, decide(None, command, AT), at=AT)])
            opened.set()
            await may_end.wait()

    task = asyncio.create_task(slow())
    await opened.wait()
    await world.open_case()
    assert await world.audit.seal(at=AT) is None  # what came later waits as well, so that nothing comes between
    may_end.set()
    await task
    await world.seal()
    assert (await world.audit.check(after=0, most=1000)).entries == 11
    assert await world.flaw() is None


async def test_a_server_that_counts_from_anew_seals_nothing_and_says_so(world: World) -> None:
    """As after a restore from a logical dump."""
    await world.pool.execute(
        "INSERT INTO audit_block SELECT block + 1, to_turn, to_turn + 1000000000, '', sealed_at, head, head "
        "FROM audit_block ORDER BY block DESC LIMIT 1"
    )
    await world.open_case()
    with pytest.raises(CountedAnew):
        await world.audit.seal(at=AT)


async def test_replicas_that_seal_at_once_make_one_chain(world: World) -> None:
    for _ in range(10):
        await world.open_case()
        await asyncio.gather(*(world.audit.seal(at=AT) for _ in range(4)))
    await world.seal()
    assert await world.flaw() is None
    assert (await world.audit.check(after=0, most=1000)).entries == 19


async def test_a_large_audit_is_cut_into_blocks_and_a_transaction_never(world: World) -> None:
    changes = []
    for _ in range(7):
        command = opening(case_id=uuid4())
        changes.append(change_of(None, decide(None, command, AT), at=AT))
    async with world.store.transaction() as transaction:
        await transaction.save(changes)
    for _ in range(5):
        await world.open_case()

    async def all_sealed() -> bool:
        await world.audit.seal(at=AT, most=3)
        return (await world.audit.state()).waiting == 0

    await until(all_sealed, seconds=60)
    assert await world.flaw() is None
    sizes = await world.pool.fetch("SELECT length(marks) / 16 AS entries FROM audit_block ORDER BY block OFFSET 3")
    assert [row["entries"] for row in sizes] == [7, 3, 2]


async def test_entries_outlive_their_time_by_blocks_and_the_chain_holds(world: World) -> None:
    look = Looked(
        at=AT, kind="drop", subject=UUID(int=0), who="operator", key_id="", why="rule", origin="x", digest=b""
    )
    assert await world.audit.drop(before=AT, most=10, look=look) == 0
    assert await world.audit.drop(before=AT + timedelta(seconds=1), most=2, look=look) == 2
    assert await world.flaw() is None
    assert await world.pool.fetchval("SELECT count(*) FROM audit") == 4
    await world.seal()
    assert await world.flaw() is None
