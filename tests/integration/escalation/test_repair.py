"""A case whose rows were harmed is put right from the real log, in the real PostgreSQL, to what it was before."""

import json
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from deploy.local.topics import make_topics
from services.escalation.case_log import case_log
from services.escalation.domain.audit import Kind
from services.escalation.handlers.repairing import NoBeginning, NothingKnown, Repaired, repair_case
from services.escalation.history import history
from services.escalation.repair_ports import Asked, Basis
from services.escalation.repair_words import as_json, in_words
from services.escalation.store.repairing import PostgresRepairs
from services.escalation.store.rows import running_of
from shared.events.codec import Message, decode, encode
from shared.events.envelope import Event
from shared.events.sla import ClockBreached, ClockMoved, ClockStarted, ClockStopped, Moved
from shared.events.topics import CASE, ORDER, SLA
from shared.runtime.delivery import Partition, Publisher
from tests.fakes.clock_county import clock_county
from tests.fakes.small_county import COUNTY
from tests.fakes.story import Story
from tests.integration.escalation.test_audit import a_pass, kinds, story
from tests.integration.escalation.test_fire import START, Bench, bench

__all__ = ["bench"]

PARTITIONS = 2
WHO = {"by": "值班员甲", "reason": "rows lost after a restore"}


@dataclass
class Desk:
    """The bench on topics of a real broker, and whoever repairs."""

    bench: Bench
    kafka: str
    prefix: str
    publisher: Publisher

    @property
    def topics(self) -> list[str]:
        return [self.prefix + topic.name for topic in (CASE, *ORDER.values())]

    @property
    def said(self) -> str:
        return self.prefix + SLA.name

    async def send(self, *messages: Message) -> None:
        await self.publisher.publish([replace(one, topic=self.prefix + one.topic) for one in messages])

    async def tell(self, *events: Event[Any]) -> None:
        """Publish, and fold what the log then holds beyond the ledger."""
        await self.send(*[encode(event) for event in events])
        places = [Partition(topic, number) for topic in self.topics for number in range(PARTITIONS)]
        async with history(self.kafka, self.topics, key=None) as log:
            await log.begin(places, since=None)
            await log.read(await log.ends(places))
        await self.bench.fold_records(sorted(log.records, key=lambda one: (one.topic, one.partition, one.offset)))

    async def relay(self) -> None:
        """What the outbox holds is sent, and gone from it."""
        rows = await self.bench.pool.fetch("SELECT topic, key, value, headers FROM outbox ORDER BY position")
        headers = [tuple((name, text.encode()) for name, text in json.loads(row["headers"])) for row in rows]
        await self.send(
            *[
                Message(topic=row["topic"], key=row["key"], value=row["value"], headers=head)
                for row, head in zip(rows, headers, strict=True)
            ]
        )
        await self.bench.pool.execute("TRUNCATE outbox")

    async def repair(self, told: Story, *, dry_run: bool = False) -> Repaired:
        asked = Asked(case_id=told.case_id, dry_run=dry_run, **WHO)

        async def now(_: object) -> Any:
            return self.bench.now

        store = PostgresRepairs(self.bench.pool, topics=self.topics, now=now)
        async with case_log(self.kafka, told.case_id, topics=self.topics, said=self.said) as log:
            return await repair_case(asked, store=store, log=log, playbooks=self.bench)

    async def rows(self) -> Any:
        """All that is stored of cases and clocks, but for when it was written."""
        clocks = await self.bench.pool.fetch("SELECT * FROM clock ORDER BY clock_id")
        cases = await self.bench.pool.fetch(
            "SELECT case_id, county, version, partition, facts, traceparent, waiting_for FROM case_facts ORDER BY 1"
        )
        plain = [{name: value for name, value in row.items() if name != "body"} for row in clocks]
        facts = [{**dict(row), "facts": json.loads(row["facts"])} for row in cases]
        return plain, [_running(row) for row in clocks], facts

    async def kept(self) -> list[Any]:
        found: list[Any] = await self.bench.pool.fetch("SELECT * FROM repair ORDER BY at")
        return found


def _running(row: Any) -> Any:
    try:
        return running_of(row)
    except msgspec.ValidationError:
        return row["body"]


@pytest.fixture
async def desk(bench: Bench, kafka: str) -> AsyncIterator[Desk]:
    prefix = f"r{uuid.uuid4().hex[:8]}."
    topics = (CASE, *ORDER.values(), SLA)
    make_topics(kafka, [replace(topic, name=prefix + topic.name, partitions=PARTITIONS) for topic in topics])
    publisher = Publisher(kafka, client_id=f"{prefix}test")
    await bench.pool.execute("TRUNCATE repair")
    await bench.pool.execute("UPDATE auditor SET next_at = now(), county = '', case_id = default, counts = '{}'")
    yield Desk(bench, kafka, prefix, publisher)
    await publisher.stop()


def hurt() -> Story:
    told = story("hurt")
    told.paused()
    told.resumed()
    return told


HARMS = {
    "a running clock is gone": "DELETE FROM clock WHERE kind = 'handle'",
    "a stopped clock is gone": "DELETE FROM clock WHERE kind = 'sign_in'",
    "all clocks are gone": "DELETE FROM clock",
    "a stop is taken back": (
        "UPDATE clock SET stopped_at = NULL, outcome = NULL, stopped_by = NULL, next_at = due_at WHERE kind = 'sign_in'"
    ),
    "a running clock is stopped": (
        "UPDATE clock SET stopped_at = now(), outcome = 'met', stopped_by = 'resolved', next_at = NULL "
        "WHERE kind = 'handle'"
    ),
    "a stop is another": "UPDATE clock SET stopped_at = stopped_at + interval '1 second' WHERE kind = 'arrive'",
    "a deadline is another": "UPDATE clock SET due_at = due_at + interval '1 hour' WHERE kind = 'handle'",
    "a deadline is another, whole": (
        "UPDATE clock SET due_at = '2026-11-24T03:01:00Z', next_at = '2026-11-24T03:01:00Z', body = "
        "jsonb_set(jsonb_set(body, '{shown,due_at}', to_jsonb('2026-11-24T03:01:00Z'::text)), '{warnings}', '[]') "
        "WHERE kind = 'handle'"
    ),
    "a clock is silenced": "UPDATE clock SET next_at = NULL WHERE kind = 'handle'",
    "a clock cannot be read": "UPDATE clock SET body = '{}' WHERE kind = 'handle'",
    "moves are forgotten": "UPDATE clock SET moves = 0, body = jsonb_set(body, '{moves}', '0') WHERE kind = 'handle'",
    "the facts are gone": "DELETE FROM case_facts",
    "the facts are empty": "UPDATE case_facts SET facts = '{}'",
    "the facts are another's": ("UPDATE case_facts SET facts = jsonb_set(facts, '{steps}', '{}'), version = 1"),
    "everything is gone": "TRUNCATE clock, case_facts",
}


@pytest.mark.parametrize("harm", HARMS.values(), ids=list(HARMS))
async def test_a_case_is_what_it_was_before_it_was_harmed(desk: Desk, harm: str) -> None:
    told, other = hurt(), story("other")
    await desk.tell(*told.events, *other.events)
    await desk.relay()
    before = await desk.rows()
    await desk.bench.pool.execute(
        harm + (" AND" if "WHERE" in harm else " WHERE") + f" case_id = '{told.case_id}'"
        if "TRUNCATE" not in harm
        else harm
    )
    if "TRUNCATE" in harm:
        await desk.repair(other)
    shown = await desk.repair(told, dry_run=True)
    assert shown.differs
    assert shown.repair_id is None
    assert shown.basis is Basis.LOG
    assert await desk.rows() != before
    repaired = await desk.repair(told)
    assert repaired.repair_id is not None
    assert repaired.mending == shown.mending
    assert await desk.rows() == before
    assert (await a_pass(desk.bench))[0] == []
    again = await desk.repair(told)
    assert (again.differs, again.repair_id) == (False, None)
    assert [row["repair_id"] for row in await desk.kept()][-1] == repaired.repair_id


async def test_a_repair_is_kept_with_who_when_why_and_what(desk: Desk) -> None:
    told = hurt()
    await desk.tell(*told.events)
    await desk.bench.pool.execute("DELETE FROM clock WHERE kind = 'handle'")
    repaired = await desk.repair(told)
    (row,) = await desk.kept()
    assert (row["repair_id"], row["case_id"], row["source"]) == (repaired.repair_id, told.case_id, "log")
    assert (row["by"], row["reason"]) == (WHO["by"], WHO["reason"])
    (clock,) = json.loads(row["difference"])["clocks"]
    assert (clock["kind"], clock["before"]) == ("handle", None)


async def test_a_breach_stays_and_is_not_told_twice_though_its_clock_was_lost(desk: Desk) -> None:
    told = story("late", signed=False)
    await desk.tell(*told.events)
    bench = desk.bench
    bench.now = START + timedelta(days=2)
    await bench.fire()
    await bench.fire()
    before, words = await desk.rows(), await bench.said()
    breaches = [one for one in words if isinstance(one.data, ClockBreached)]
    assert len(breaches) == 3, "sign-in, arrival and handling"
    await desk.relay()
    await bench.pool.execute("DELETE FROM clock")
    bench.now += timedelta(hours=1)
    await desk.repair(told)
    assert await desk.rows() == before
    await bench.fire()
    assert {type(one.data) for one in await bench.said()} <= {ClockStarted, ClockStopped}
    told_before = {one.id for one in words}
    assert {one.id for one in await bench.said()} <= told_before


async def test_a_breach_that_still_waits_in_the_outbox_is_as_said_as_one_that_was_sent(desk: Desk) -> None:
    told = story("waits", signed=False)
    await desk.tell(*told.events)
    desk.bench.now = START + timedelta(days=2)
    await desk.bench.fire()
    before = await desk.rows()
    words = {one.id for one in await desk.bench.said()}
    await desk.bench.pool.execute("DELETE FROM clock")
    await desk.repair(told)
    assert await desk.rows() == before
    assert {one.id for one in await desk.bench.said()} == words


async def test_a_breach_is_never_undone_by_a_repair(desk: Desk) -> None:
    told = story("undone", signed=False)
    await desk.tell(*told.events)
    await desk.bench.pool.execute(
        "UPDATE clock SET breached_at = '2026-11-23T01:10:00Z', next_at = NULL, due_at = now() WHERE kind = 'sign_in'"
    )
    await desk.repair(told)
    row = await desk.bench.pool.fetchrow("SELECT breached_at, next_at FROM clock WHERE kind = 'sign_in'")
    assert row["breached_at"].isoformat() == "2026-11-23T01:10:00+00:00"
    assert row["next_at"] is None


async def test_a_clock_that_was_stopped_wrongly_is_told_to_run_again(desk: Desk) -> None:
    told = hurt()
    await desk.tell(*told.events)
    await desk.relay()
    await desk.bench.pool.execute(HARMS["a running clock is stopped"])
    repaired = await desk.repair(told)
    (event,) = await desk.bench.said()
    assert isinstance(event.data, ClockMoved)
    assert event.data.why is Moved.REPAIRED
    assert event.data.clock.due_at == repaired.mending.clocks[0].clock.shown.due_at


async def test_a_clock_that_nobody_demands_is_called_off_and_stays_so(desk: Desk) -> None:
    told = hurt()
    await desk.tell(*told.events)
    await desk.relay()
    stranger = uuid.uuid4()
    await desk.bench.pool.execute(
        """UPDATE clock SET clock_id = $1, body = jsonb_set(body, '{shown,clock_id}', to_jsonb($2::text))
            WHERE kind = 'handle'""",
        stranger,
        str(stranger),
    )
    repaired = await desk.repair(told)
    assert sorted(kinds(repaired.findings)) == [Kind.MISSING, Kind.UNKNOWN]
    row = await desk.bench.pool.fetchrow("SELECT outcome, stopped_by, next_at FROM clock WHERE clock_id = $1", stranger)
    assert tuple(row) == ("cancelled", "repaired", None)
    assert (await a_pass(desk.bench))[0] == []
    assert not (await desk.repair(told)).differs


async def test_a_clock_of_an_earlier_playbook_keeps_the_deadline_that_it_was_started_with(desk: Desk) -> None:
    told = hurt()
    await desk.tell(*told.events)
    before = await desk.rows()
    desk.bench.books = {COUNTY: replace(clock_county(version="2", speed=1), clocks=clock_county().clocks[:3])}
    await desk.bench.pool.execute(HARMS["a deadline is another"])
    await desk.repair(told)
    assert await desk.rows() == before


async def test_without_the_beginning_in_the_log_the_stored_facts_count_and_it_is_said(desk: Desk) -> None:
    told = hurt()
    await desk.tell(*told.events[2:])
    await desk.bench.pool.execute("TRUNCATE case_facts, clock, outbox")
    for record in desk.bench.tape.write(told.events):
        await desk.bench.fold_records([record])
    await desk.bench.pool.execute("DELETE FROM ledger WHERE topic NOT LIKE $1", f"{desk.prefix}%")
    await desk.bench.pool.execute("UPDATE case_facts SET partition = l.partition FROM ledger l WHERE l.next_offset > 0")
    await desk.bench.pool.execute("UPDATE clock SET partition = (SELECT partition FROM case_facts)")
    before = await desk.rows()
    await desk.bench.pool.execute("DELETE FROM clock WHERE kind = 'handle'")
    repaired = await desk.repair(told)
    assert repaired.basis is Basis.STORED
    assert await desk.rows() == before
    assert "no longer holds" in "\n".join(in_words(repaired, "en"))
    await desk.bench.pool.execute("DELETE FROM case_facts")
    with pytest.raises(NoBeginning, match="backup"):
        await desk.repair(told)


async def test_a_case_that_nobody_ever_told_of_is_refused(desk: Desk) -> None:
    with pytest.raises(NothingKnown, match="neither the log nor the database"):
        await desk.repair(Story("nobody", area="990101001001", at=START))


async def test_a_fact_that_is_not_folded_yet_is_left_to_the_fold(desk: Desk) -> None:
    told = story("ahead")
    await desk.tell(*told.events)
    told.paused()
    await desk.send(encode(told.events[-1]))
    await desk.bench.pool.execute("DELETE FROM clock WHERE kind = 'handle'")
    await desk.repair(told)
    assert await desk.bench.pool.fetchval("SELECT held_at FROM clock WHERE kind = 'handle'") is None
    await desk.tell()
    assert await desk.bench.pool.fetchval("SELECT held_at FROM clock WHERE kind = 'handle'") == told.events[-1].time


async def test_a_repair_reads_well_in_both_languages_and_as_json(desk: Desk) -> None:
    told = hurt()
    await desk.tell(*told.events)
    await desk.bench.pool.execute("DELETE FROM clock WHERE kind = 'handle'")
    shown = await desk.repair(told, dry_run=True)
    zh, en = "\n".join(in_words(shown, "zh")), "\n".join(in_words(shown, "en"))
    assert "处置缺失" in zh
    assert "处置: 无 → 计时中，到期 " in zh
    assert "试运行" in zh
    assert "handling missing" in en
    assert "handling: nothing → running, due " in en
    assert "dry run" in en
    plain = json.loads(as_json(shown))
    assert (plain["case"], plain["differs"], plain["repair_id"]) == (str(told.case_id), True, None)
    assert plain["findings"][0]["kind"] == "missing"
    await desk.repair(told)
    assert "nothing to repair" in "\n".join(in_words(await desk.repair(told), "en"))


def test_sent_events_can_be_read_back() -> None:
    event = story("codec").events[0]
    message = encode(event)
    assert decode(message.value, message.headers).id == event.id
