"""The whole life of a case through the API, on a real PostgreSQL: who may, what is open, what stands still."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from services.intake.domain.life.case import Case
from services.intake.domain.life.commands import Command
from services.intake.domain.life.evolve import evolve
from services.intake.domain.life.may import MAY
from services.intake.domain.life.states import Action
from services.intake.domain.moves.decide import decide
from services.intake.handlers import fold_batch, resume_due
from services.intake.handlers.doors import change_of
from services.intake.timers import Resuming
from shared.events.case import CaseEvent
from shared.events.order import OrderIssued
from shared.events.parts import PlaybookRef
from shared.events.sla import Clock, ClockMoved, ClockStarted, ClockStopped, Moved, Outcome
from shared.events.topics import PAYLOADS
from shared.playbook.model import Policy
from shared.runtime.clock import utc_now
from shared.vocabulary import CaseState, ClockKind, Level, Source, WhenLate
from tests.fakes.called_county import called_county
from tests.fakes.intake import FakePlaybooks
from tests.integration.intake.harness import KEYS, Intake, record_of
from tests.integration.intake.orders import BUREAU, case_of, issue, told
from tests.integration.intake.waiting import until
from tests.unit.intake.cases import MATERIAL, case_in, opening

POLICY = Policy(pause_reasons=(MATERIAL,), reply_required=(Source.HOTLINE,))
REPLY = {
    "accepted_at": "2026-11-23T08:00:00+08:00",
    "spoken_with": "张女士",
    "done": "更换阀门",
    "done_by": "2026-11-23T12:00:00+08:00",
}


@pytest.fixture(autouse=True)
def policy(intake: Intake) -> None:
    assert isinstance(intake.doors.playbooks, FakePlaybooks)
    intake.doors.playbooks.put(replace(called_county(), policy=POLICY))


def ahead(**span: float) -> str:
    return (utc_now() + timedelta(**span)).isoformat()


async def led(intake: Intake) -> tuple[UUID, OrderIssued]:
    """A case that the gas bureau has signed."""
    case_id = await intake.open()
    issued = await issue(intake, case_id)
    await done(intake, case_id, "gas bureau", "sign")
    return case_id, issued


async def done(intake: Intake, case_id: UUID, key: str, action: str, **body: Any) -> dict[str, Any]:
    answer = await intake.act(case_id, key, action, **body)
    assert answer.status_code == 200, answer.text
    told_back: dict[str, Any] = answer.json()
    return told_back


async def refused(intake: Intake, case_id: UUID, key: str, action: str, **body: Any) -> tuple[int, str]:
    answer = await intake.act(case_id, key, action, **body)
    (error,) = answer.json()["errors"]
    return answer.status_code, error["field"]


async def kept(intake: Intake, table: str, *case_ids: UUID) -> int:
    query = f"SELECT count(*) FROM {table} WHERE case_id = ANY($1::uuid[])"  # noqa: S608  a table of the test's own
    return int(await intake.pool.fetchval(query, list(case_ids)))


def clock_of(issued: OrderIssued, due_at: datetime, kind: ClockKind = ClockKind.HANDLE) -> Clock:
    order = issued.order
    return Clock(
        clock_id=uuid4(),
        kind=kind,
        started_at=order.issued_at,
        due_at=due_at,
        level=Level.COUNTY,
        limit="2 工作日",
        arithmetic="自派单起 2 工作日",
        when_late=WhenLate.NONE,
        playbook=PlaybookRef(version="1", digest="0" * 64),
        order_id=order.order_id,
        target=order.target,
    )


async def fold_clock(intake: Intake, issued: OrderIssued, *payloads: Any) -> None:
    outcome = await fold_batch([record_of(one, issued.order.case_id) for one in payloads], doors=intake.doors)
    assert outcome.rejected == []


def started(issued: OrderIssued, due_at: datetime, kind: ClockKind = ClockKind.HANDLE) -> ClockStarted:
    return ClockStarted(case=issued.case, clock=clock_of(issued, due_at, kind))


def stopped(issued: OrderIssued) -> ClockStopped:
    return ClockStopped(case=issued.case, clock=clock_of(issued, utc_now()), stopped_at=utc_now(), outcome=Outcome.MET)


class TestDeadlines:
    async def test_more_time_is_asked_for_before_the_deadline_that_escalation_told(self, intake: Intake) -> None:
        case_id, issued = await led(intake)
        until_then = ahead(days=9)
        assert (await refused(intake, case_id, "gas bureau", "extend", until=until_then, reason="等"))[0] == 409
        await fold_clock(intake, issued, started(issued, utc_now() + timedelta(days=2)))
        noted = await done(intake, case_id, "gas bureau", "note", note="配件缺货")
        assert "note" in noted["allowed"]
        arrived = await done(intake, case_id, "gas bureau", "arrive")
        assert "extend" in arrived["allowed"]
        asked = await done(intake, case_id, "gas bureau", "extend", until=until_then, reason="配件缺货")
        assert asked["extension_id"] is not None
        assert "extend" not in asked["allowed"]
        by = "west village"
        assert (await refused(intake, case_id, "gas bureau", "approve"))[0] == 403
        backed = await done(intake, case_id, by, "approve", extension_id=asked["extension_id"])
        assert "approve" not in backed["allowed"], "nobody says both words"
        assert (await refused(intake, case_id, by, "approve"))[0] == 403
        assert (await done(intake, case_id, "west desk", "approve"))["extension_id"] == asked["extension_id"]
        assert (await case_of(intake, case_id)).view.extensions == 1
        assert (await told(intake, case_id))[-3:] == ["extension_asked", "extension_backed", "extended"]

    async def test_a_deadline_that_is_past_is_not_extended_and_one_that_moved_is(self, intake: Intake) -> None:
        case_id, issued = await led(intake)
        await fold_clock(intake, issued, started(issued, utc_now() - timedelta(minutes=1)))
        assert (await refused(intake, case_id, "gas bureau", "extend", until=ahead(days=9), reason="等"))[0] == 409
        later = clock_of(issued, utc_now() + timedelta(days=1))
        moved = ClockMoved(case=issued.case, clock=later, before=utc_now(), why=Moved.RESUMED, moved_at=utc_now())
        await fold_clock(intake, issued, moved)
        await done(intake, case_id, "gas bureau", "extend", until=ahead(days=9), reason="等")

    async def test_only_the_deadline_of_handling_counts_and_a_clock_that_stopped_leaves(self, intake: Intake) -> None:
        case_id, issued = await led(intake)
        soon = utc_now() + timedelta(days=2)
        await fold_clock(intake, issued, started(issued, soon, ClockKind.ARRIVE))
        assert await kept(intake, "order_deadline", case_id) == 0
        await fold_clock(intake, issued, started(issued, soon), stopped(issued), started(issued, soon))
        assert await kept(intake, "order_deadline", case_id) == 1
        await fold_clock(intake, issued, stopped(issued))
        assert await kept(intake, "order_deadline", case_id) == 0

    async def test_no_deadline_stays_behind_a_case_that_is_over(self, intake: Intake) -> None:
        case_id = await intake.open()
        issued = await issue(intake, case_id)
        await fold_clock(intake, issued, started(issued, utc_now() + timedelta(days=2)))
        assert await kept(intake, "order_deadline", case_id) == 1
        await done(intake, case_id, "west desk", "refuse", code="no_matter", reason="试拨", words="未反映具体事项")
        assert await kept(intake, "order_deadline", case_id) == 0
        await fold_clock(intake, issued, started(issued, utc_now() + timedelta(days=2)))
        assert await kept(intake, "order_deadline", case_id) == 0, "nor comes one too late"
        assert (await told(intake, case_id))[-2:] == ["order_withdrawn", "refused"]


class TestHolds:
    async def test_a_pause_ends_by_itself_at_its_date_and_once_though_two_replicas_look(self, intake: Intake) -> None:
        case_ids = [(await led(intake))[0] for _ in range(5)]
        for case_id in case_ids:
            await done(intake, case_id, "gas bureau", "pause", code="material", reason="等阀门", until=ahead(hours=2))
        assert await kept(intake, "hold_end", *case_ids) == 5
        assert await resume_due(doors=intake.doors, most=100) == 0
        later = replace(intake.doors, clock=lambda: utc_now() + timedelta(hours=3))
        counts = await asyncio.gather(*(resume_due(doors=later, most=2) for _ in range(2)))
        assert sum(counts) == 4, "each took two that the other had not in hand"
        await resume_due(doors=later, most=2)
        assert await kept(intake, "hold_end", *case_ids) == 0
        for case_id in case_ids:
            assert (await told(intake, case_id)).count("resumed") == 1
            view = (await case_of(intake, case_id)).view
            assert (view.state, view.held) == (CaseState.SIGNED, None)

    async def test_the_room_of_holds_wakes_a_hung_case_at_its_date(self, intake: Intake) -> None:
        case_id, _ = await led(intake)
        assert (await refused(intake, case_id, "west desk", "hang", until=ahead(days=9), reason="等"))[0] == 403
        assert await refused(intake, case_id, "village head", "hang", until=ahead(days=999), reason="等") == (
            422,
            "/until",
        )
        await done(intake, case_id, "village head", "hang", until=ahead(days=9), reason="列入明年计划")
        assert (await refused(intake, case_id, "gas bureau", "resume"))[0] == 403
        room = Resuming(
            replace(intake.doors, clock=lambda: utc_now() + timedelta(days=10)), every=timedelta(milliseconds=5)
        )
        running = asyncio.create_task(room.run())

        async def awake() -> bool:
            return (await case_of(intake, case_id)).view.state is CaseState.SIGNED

        await until(awake)
        room.stop()
        await asyncio.wait_for(running, 30)
        assert (await refused(intake, case_id, "village head", "hang", until=ahead(days=9), reason="再等"))[0] == 409

    async def test_a_date_that_no_case_speaks_for_is_forgotten_and_wakes_nobody(self, intake: Intake) -> None:
        case_id, _ = await led(intake)
        await intake.pool.execute("INSERT INTO hold_end (case_id, until) VALUES ($1, now())", case_id)
        later = replace(intake.doors, clock=lambda: utc_now() + timedelta(hours=3))
        assert await resume_due(doors=later, most=10) == 1
        assert await kept(intake, "hold_end", case_id) == 0
        assert await told(intake, case_id) == ["opened", "routed", "signed"]

    async def test_a_word_and_the_clock_at_once_resume_it_once(self, intake: Intake) -> None:
        later = replace(intake.doors, clock=lambda: utc_now() + timedelta(hours=3))
        for _ in range(6):
            case_id, _issued = await led(intake)
            await done(intake, case_id, "gas bureau", "pause", code="material", reason="等", until=ahead(hours=2))
            word = intake.act(case_id, "gas bureau", "resume", reason="到货")
            await asyncio.gather(word, resume_due(doors=later, most=10))
            assert (await told(intake, case_id)).count("resumed") == 1
            assert await kept(intake, "hold_end", case_id) == 0


class TestLife:
    async def test_a_case_with_everything_in_it_is_what_its_log_says(self, intake: Intake) -> None:
        case_id, issued = await led(intake)
        await done(intake, case_id, "west desk", "recategorise", category="01.001", condition="broken", reason="是井盖")
        await done(intake, case_id, "operator", "recategorise", category="03.001", reason="是燃气")
        ordered = await done(intake, case_id, "county desk", "supervise", reason="今日办结", until=ahead(days=1))
        assert ordered["supervision_id"] is not None
        assert (await refused(intake, case_id, "gas bureau", "resolve", note="好了")) == (422, "/reply")
        part = REPLY | {"spoken_with": ""}
        assert (await refused(intake, case_id, "gas bureau", "resolve", note="好", reply=part))[
            1
        ] == "/reply/spoken_with"
        await done(intake, case_id, "gas bureau", "resolve", note="好了", reply=REPLY)
        await done(intake, case_id, "gas bureau", "reply", note="已办结")
        assert (await refused(intake, case_id, "west desk", "sign_off"))[0] == 403
        await done(intake, case_id, "county desk", "send_back", reason="未回访", until=ahead(days=1))
        await done(intake, case_id, "gas bureau", "reply", note="已回访")
        await done(intake, case_id, "west desk", "verify")
        await done(intake, case_id, "west desk", "close")
        await done(intake, case_id, "county desk", "sign_off")
        order_id = str(issued.order.order_id)
        rate = {"order_id": order_id, "speed": 4, "quality": 5}
        assert (await refused(intake, case_id, "county desk", "rate_department", **rate))[0] == 403
        await done(intake, case_id, "west village", "rate_department", **rate)
        await done(intake, case_id, "gas bureau", "appeal", ground="overdue", reason="停电")
        await done(intake, case_id, "west desk", "review", upheld=True, reason="属实")
        assert (await refused(intake, case_id, "west village", "review", upheld=True, reason="属实"))[0] == 403
        await done(intake, case_id, "county desk", "review", upheld=True, reason="公告为证")
        await done(intake, case_id, "hotline", "rate", rating="satisfied")
        case = await case_of(intake, case_id)
        assert (case.view.exempt, case.supervisions, len(case.graded)) == (True, (), 1)
        assert await folded(intake, case_id) == case

    async def test_what_waits_is_filed_by_a_desk_and_only_then_routed(self, intake: Intake) -> None:
        waiting = change_of(None, decide(None, opening_received(uuid4()), utc_now()), at=utc_now())
        async with intake.doors.store.transaction() as transaction:
            await transaction.save([waiting])
        case_id = waiting.case.view.case_id
        await issue(intake, case_id)
        assert (await case_of(intake, case_id)).orders == ()
        assert (await refused(intake, case_id, "hotline", "file"))[0] == 403
        filed = await done(intake, case_id, "west desk", "file", category="01.001", severity=2, note="是井盖")
        assert filed["state"] == "opened"
        assert (await told(intake, case_id)) == ["opened", "order_withdrawn", "filed"]

    async def test_a_snapshot_of_the_release_before_is_read(self, intake: Intake) -> None:
        case_id, _ = await led(intake)
        newer = ("extension", "hung", "supervisions", "appeals", "graded", "handed_over")
        await intake.pool.execute(
            "UPDATE case_snapshot SET snapshot = (snapshot - $2::text[]) #- '{view,held}' WHERE case_id = $1",
            case_id,
            list(newer),
        )
        case = await case_of(intake, case_id)
        assert (case.supervisions, case.view.held, case.extension) == ((), None, None)
        await done(intake, case_id, "gas bureau", "arrive")


ASKED: dict[str, Any] = {
    "reason": "如此",
    "note": "如此",
    "words": "如此",
    "kind": "key_work",
    "departments": ["police"],
    "to": {"kind": "department", "id": "police"},
    "category": "01.001",
    "service": "119",
    "ground": "overdue",
    "upheld": True,
    "speed": 3,
    "quality": 3,
    "rating": "not",
    "reply": REPLY,
}
KEY_NAMES = ("hotline", "county desk", "west desk", "east desk", "gas bureau", "village head", "operator", "auditor")


@pytest.mark.parametrize("state", (CaseState.ROUTED, CaseState.SIGNED, CaseState.PAUSED, CaseState.CLOSED))
async def test_the_api_says_403_409_or_does_it_and_what_it_calls_open_is_open(intake: Intake, state: CaseState) -> None:
    """A sample of the matrix in the unit tests, through HTTP: every key and action on a case that is made anew."""
    seen = set()
    for key in KEY_NAMES:
        for action in (one for one in Action if one not in {Action.MERGE, Action.SPLIT}):
            case_id = await made(intake, state)
            code = "material" if action is Action.PAUSE else "not_ours"
            answer = await intake.act(case_id, key, action, code=code, until=ahead(days=3), **ASKED)
            seen.add(answer.status_code)
            assert answer.status_code in {200, 403, 409, 422}, answer.text
            if KEYS[key].key.role not in MAY[action]:
                assert answer.status_code == 403, (key, action)
            if answer.status_code == 409:
                assert action not in answer.json()["allowed"], (key, action, answer.text)
                assert answer.json()["state"] == state
    assert {200, 403, 409} <= seen


async def made(intake: Intake, state: CaseState) -> UUID:
    """A case in that state, led by the bureau, kept as its events made it."""
    case_id = uuid4()
    case = case_in(state, BUREAU)
    case = replace(case, view=replace(case.view, case_id=case_id, opened_at=utc_now()))
    if case.closed_at is not None:
        case = replace(case, closed_at=utc_now())
    await intake.pool.execute(
        """
        INSERT INTO case_snapshot
            (case_id, version, state, area, snapshot, updated_at, category, opened_at, purpose, closed)
        VALUES ($1, $2, $3, $4, $5::text::jsonb, now(), $6, now(), 'real', $7)
        """,
        case_id,
        case.view.version,
        case.view.state,
        case.view.area,
        msgspec.json.encode(case).decode(),
        case.view.category,
        state is CaseState.CLOSED,
    )
    return case_id


def opening_received(case_id: UUID) -> Command:
    return opening(case_id=case_id, report_id=uuid4(), state=CaseState.RECEIVED)


async def folded(intake: Intake, case_id: UUID) -> Case:
    """The case from its log alone."""
    rows = await intake.pool.fetch(
        "SELECT type, at, data::text AS data FROM case_event WHERE case_id = $1 ORDER BY version", case_id
    )
    case: Case | None = None
    for row in rows:
        event: CaseEvent = payload(row["type"], row["data"])
        case = evolve(case, event, at=row["at"].astimezone(UTC))
    assert case is not None
    return case


def payload(kind: str, data: str) -> Any:
    return msgspec.json.decode(data, type=PAYLOADS[kind])
