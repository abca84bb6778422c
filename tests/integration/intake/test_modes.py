"""Modes, whistles and canaries on a real PostgreSQL: what two do at once, and what a killed process leaves."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.intake.handlers import (
    CanaryPlan,
    carry_out_asked,
    fold_batch,
    remove_old_canaries,
    send_canary,
    settle_batch,
)
from services.intake.ports import Spot, Surroundings
from services.intake.store.cases import PostgresTransaction
from services.intake.timers import partition_of
from shared.events.codec import decode
from shared.events.mode import ModeChanged
from shared.events.order import CaseSettings
from shared.runtime.clock import utc_now
from shared.vocabulary import ModeKind
from tests.fakes.called_county import DRILL, FLOOD, STORM, TOWN_FLOOD
from tests.fakes.small_county import COUNTY, EAST_VILLAGE, WEST, WEST_VILLAGE
from tests.integration.intake.harness import Intake, bearer, record_of
from tests.integration.intake.orders import case_of, issue, told
from tests.integration.intake.waiting import until

WAITS_FOR_A_LOCK = """
    SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


async def propose(intake: Intake, mode: str, area: str = COUNTY, **headers: str) -> httpx.Response:
    body = {"area": area, "mode": mode, "reason": "县防指通知"}
    return await intake.http.post("/v1/modes", json=body, headers=bearer("county desk") | headers)


async def confirm(intake: Intake, change_id: str, key: str = "operator", **headers: str) -> httpx.Response:
    return await intake.http.post(f"/v1/modes/{change_id}/confirm", headers=bearer(key) | headers)


async def enter(intake: Intake, mode: str, area: str = COUNTY) -> str:
    proposed = await propose(intake, mode, area)
    assert proposed.status_code == 202, proposed.text
    change_id = str(proposed.json()["change_id"])
    done = await confirm(intake, change_id)
    assert done.status_code == 200, done.text
    return change_id


async def leave_everything(intake: Intake) -> None:
    for row in await intake.pool.fetch("SELECT area FROM mode_in_force WHERE mode <> 'normal'"):
        await enter(intake, "normal", row["area"])
    await settle(intake)


async def settle(intake: Intake, most: int = 100) -> int:
    changed = 0
    while (batch := await settle_batch(doors=intake.doors, most=most)) is not None:
        changed += batch.changed
    return changed


async def mode_of(intake: Intake, case_id: UUID) -> str:
    return (await case_of(intake, case_id)).view.mode


class TestTwoPersons:
    async def test_a_mode_needs_both_and_is_told_once(self, intake: Intake) -> None:
        await leave_everything(intake)
        proposed = await propose(intake, FLOOD, **{"Idempotency-Key": "m-1"})
        again = await propose(intake, FLOOD, **{"Idempotency-Key": "m-1"})
        assert (again.text, again.headers["Idempotent-Replayed"]) == (proposed.text, "true")
        change_id = proposed.json()["change_id"]
        alone = await confirm(intake, change_id, "county desk")
        assert (alone.status_code, alone.json()["type"]) == (403, "/problems/forbidden")
        assert (await confirm(intake, change_id, "west source")).status_code == 403
        done = await confirm(intake, change_id, **{"Idempotency-Key": "m-2"})
        assert (done.status_code, done.json()["state"], done.json()["before"]) == (200, "in_force", "normal")
        repeated = await confirm(intake, change_id, **{"Idempotency-Key": "m-2"})
        assert (repeated.text, repeated.headers["Idempotent-Replayed"]) == (done.text, "true")
        late = await confirm(intake, change_id)
        assert (late.status_code, late.json()["type"]) == (409, "/problems/wrong-mode")
        rows = await intake.pool.fetch("SELECT * FROM outbox WHERE topic = 'whistle.mode.v1' AND key = $1", b"990101")
        event = decode(rows[-1]["value"], [(n, t.encode()) for n, t in json.loads(rows[-1]["headers"])])
        assert isinstance(event.data, ModeChanged)
        assert (str(event.data.change_id), event.data.kind, event.data.mode) == (
            change_id,
            ModeKind.EMERGENCY,
            FLOOD,
        )

    async def test_of_two_confirmations_at_once_one_puts_it_into_force(self, intake: Intake) -> None:
        await leave_everything(intake)
        change_id = (await propose(intake, STORM)).json()["change_id"]
        before = await intake.rows("mode_settling")
        answers = await asyncio.gather(*(confirm(intake, change_id, who) for who in ("operator", "county head") * 2))
        assert sorted(answer.status_code for answer in answers) == [200, 409, 409, 409]
        assert await intake.rows("mode_settling") == before + 1

    async def test_two_proposals_confirmed_at_once_leave_one_mode_and_every_case_in_it(self, intake: Intake) -> None:
        await leave_everything(intake)
        case_id = await intake.open()
        county, town = (await propose(intake, FLOOD)).json(), (await propose(intake, TOWN_FLOOD, WEST)).json()
        answers = await asyncio.gather(*(confirm(intake, one["change_id"]) for one in (county, town)))
        assert [answer.status_code for answer in answers] == [200, 200]
        await settle(intake)
        assert await mode_of(intake, case_id) == TOWN_FLOOD, "the smaller area's"

    async def test_what_is_wrong_is_named(self, intake: Intake) -> None:
        for body, field in (
            ({"mode": "flod", "area": COUNTY}, "/mode"),
            ({"mode": FLOOD, "area": "990101009"}, "/area"),
            ({"mode": FLOOD, "area": WEST}, "/area"),
        ):
            answer = await intake.http.post("/v1/modes", json=body | {"reason": "x"}, headers=bearer("county desk"))
            assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
            assert answer.json()["errors"][0]["allowed"]
        assert (await confirm(intake, str(uuid4()))).status_code == 404


class TestNoCaseIsMissed:
    async def test_a_change_waits_for_cases_that_are_being_opened_and_they_are_settled(self, intake: Intake) -> None:
        """The race by hand: a report has read the mode and not committed; the mode must not change before it has."""
        await leave_everything(intake)
        held, go_on = asyncio.Event(), asyncio.Event()
        around = PostgresTransaction.around

        async def slowly(self: PostgresTransaction, spots: list[Spot], **since: Any) -> list[Surroundings]:
            found = await around(self, spots, **since)
            if any(spot.area == WEST_VILLAGE for spot in spots):
                held.set()
                await go_on.wait()
            return list(found)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PostgresTransaction, "around", slowly)
            opening = asyncio.create_task(intake.open())
            await asyncio.wait_for(held.wait(), 60)
            change_id = (await propose(intake, FLOOD)).json()["change_id"]
            confirming = asyncio.create_task(confirm(intake, change_id))
            await until(lambda: intake.pool.fetchval(WAITS_FOR_A_LOCK))
            assert not confirming.done(), "the change waits for the case that is being opened"
            go_on.set()
            case_id = await opening
            assert (await confirming).status_code == 200
        assert await mode_of(intake, case_id) == "normal"
        assert await settle(intake) >= 1
        assert await mode_of(intake, case_id) == FLOOD
        assert await told(intake, case_id) == ["opened", "mode_changed"]

    async def test_however_reports_and_changes_cross_every_open_case_ends_in_the_mode_in_force(
        self, intake: Intake
    ) -> None:
        await leave_everything(intake)
        opened: list[UUID] = []
        stop = asyncio.Event()

        async def report(area: str) -> None:
            while not stop.is_set():
                opened.append(await intake.open(area=area))

        async def settles() -> None:
            while not stop.is_set():
                await settle(intake, most=3)
                await asyncio.sleep(0)

        busy = [asyncio.create_task(one) for one in (report(WEST_VILLAGE), report(EAST_VILLAGE), settles())]
        for mode in (FLOOD, STORM, "normal", FLOOD):
            await until(partial(longer, opened, len(opened) + 3), seconds=30)
            await enter(intake, mode)
        stop.set()
        await asyncio.gather(*busy)
        await settle(intake, most=7)
        modes = {await mode_of(intake, case_id) for case_id in opened}
        assert (modes, len(opened) > 12) == ({FLOOD}, True)
        for case_id in opened:
            rows = await intake.pool.fetch("SELECT data FROM case_event WHERE case_id = $1 ORDER BY version", case_id)
            views = [json.loads(row["data"])["case"] for row in rows]
            changes = [view["mode"] for view in views]
            assert all(one != other for one, other in pairwise(changes)), "each change told once"

    async def test_closed_while_a_change_was_settled_a_case_opened_again_knows(self, intake: Intake) -> None:
        await leave_everything(intake)
        case_id = await intake.open()
        await issue(intake, case_id)
        for key, action in (("gas bureau", "sign"), ("gas bureau", "resolve")):
            await intake.act(case_id, key, action, note="好")
        for action in ("verify", "close"):
            assert (await intake.act(case_id, "operator", action)).status_code == 200
        await enter(intake, FLOOD)
        await settle(intake)
        assert "mode_changed" not in await told(intake, case_id)
        assert (await intake.act(case_id, "operator", "reopen", reason="又漏")).status_code == 200
        assert await mode_of(intake, case_id) == FLOOD


class TestSettling:
    async def test_a_killed_walk_goes_on_where_it_was_and_tells_nobody_twice(
        self, intake: Intake, postgres: str, tmp_path: Path
    ) -> None:
        """Kill -9 in mid-settling, at three places; another process ends it."""
        await leave_everything(intake)
        cases = [await intake.open() for _ in range(40)]
        await enter(intake, FLOOD)
        for wanted in (5, 15, 30):
            process = await walker(postgres, tmp_path)
            try:
                await until(partial(settled_beyond, intake, cases, wanted), seconds=60)
            finally:
                with suppress(ProcessLookupError):
                    process.send_signal(signal.SIGKILL)
                await process.wait()
            await intake.pool.execute("UPDATE mode_settling SET leased_until = '-infinity' WHERE done_at IS NULL")
        await settle(intake, most=3)
        for case_id in cases:
            assert await told(intake, case_id) == ["opened", "mode_changed"]
            assert await mode_of(intake, case_id) == FLOOD
        assert await intake.rows("mode_settling WHERE done_at IS NULL") == 0

    async def test_two_replicas_share_the_walks_and_tell_each_case_once(self, intake: Intake) -> None:
        await leave_everything(intake)
        cases = [await intake.open() for _ in range(20)]
        await enter(intake, FLOOD)
        await asyncio.gather(*(settle(intake, most=2) for _ in range(3)))
        await settle(intake)
        assert [await told(intake, case_id) for case_id in cases] == [["opened", "mode_changed"]] * 20

    async def test_the_walk_and_earlier_cases_are_found_by_an_index(self, intake: Intake) -> None:
        async with intake.pool.acquire() as connection, connection.transaction():
            # With so few rows anything would do; what must be possible is to walk the index in its order.
            for other in ("seqscan", "bitmapscan", "sort"):
                await connection.execute(f"SET LOCAL enable_{other} = off")
            walk = await connection.fetch(
                """
                EXPLAIN SELECT area, case_id FROM case_snapshot
                WHERE NOT closed AND area COLLATE "C" >= '990101' AND area COLLATE "C" < '990101' || ':'
                    AND (area COLLATE "C", case_id) > ('', '00000000-0000-0000-0000-000000000000'::uuid)
                ORDER BY area COLLATE "C", case_id LIMIT 200
                """
            )
            earlier = await connection.fetch(
                """
                EXPLAIN SELECT opened_at FROM case_snapshot c
                WHERE c.purpose = 'real' AND left(c.area, 12) = '990101001001' AND c.category = '03.001'
                    AND c.opened_at >= now() - interval '90 days'
                ORDER BY c.opened_at DESC LIMIT 16
                """
            )
        assert "case_open" in repr(walk)
        assert "Sort" not in repr(walk)
        assert "case_earlier" in repr(earlier)
        assert "Sort" not in repr(earlier)

    async def test_a_rule_enters_a_mode_once_however_often_its_order_comes(self, intake: Intake) -> None:
        await leave_everything(intake)
        case_id = await intake.open()
        issued = await issue(intake, case_id, sets=CaseSettings(mode=TOWN_FLOOD))
        await fold_batch([record_of(issued, case_id)] * 2, doors=intake.doors)
        await asyncio.gather(*(carry_out_asked(doors=intake.doors) for _ in range(3)))
        row = await intake.pool.fetchrow("SELECT mode, version FROM mode_in_force WHERE area = $1", WEST)
        assert row is not None
        assert row["mode"] == TOWN_FLOOD
        await settle(intake)
        assert await mode_of(intake, case_id) == TOWN_FLOOD
        states = await intake.pool.fetch("SELECT state FROM mode_change WHERE change->>'cause_id' = $1", str(case_id))
        assert [one["state"] for one in states] == ["in_force"]


class TestWhatACaseKnows:
    async def test_a_drill_is_taken_only_where_one_is_in_force_and_is_marked(self, intake: Intake) -> None:
        await leave_everything(intake)
        refused = await intake.report(drill=True)
        assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "/drill")
        await enter(intake, DRILL, WEST)
        taken = await intake.report(drill=True)
        assert (taken.status_code, taken.json()["purpose"], taken.json()["mode"]) == (201, "drill", DRILL)
        real = await intake.report()
        assert (real.json()["purpose"], real.json()["mode"]) == ("real", "normal")

    async def test_earlier_cases_of_its_village_newest_first_at_most_sixteen(self, intake: Intake) -> None:
        opened = [await intake.open(category="01.001", text="井盖不见了") for _ in range(18)]
        view = (await case_of(intake, opened[-1])).view
        assert len(view.earlier) == 16
        assert list(view.earlier) == sorted(view.earlier, reverse=True)
        assert view.earlier[0] < view.opened_at
        other = await intake.open(category="01.001", text="井盖不见了", area=EAST_VILLAGE)
        assert (await case_of(intake, other)).view.earlier == ()

    async def test_a_canary_is_sent_by_one_replica_and_gone_with_everything_after_a_day(self, intake: Intake) -> None:
        plan = CanaryPlan(county=COUNTY, seconds=3600, partition_of=partition_of)
        sent = await asyncio.gather(*(send_canary(plan, doors=intake.doors) for _ in range(4)))
        assert sorted(sent) == [False, False, False, True]
        case_id = await intake.pool.fetchval("SELECT case_id FROM case_snapshot WHERE purpose = 'canary'")
        await issue(intake, case_id)
        assert (await told(intake, case_id))[-1] == "closed"
        tomorrow = replace(intake.doors, clock=lambda: utc_now() + timedelta(days=2))
        assert await remove_old_canaries(doors=tomorrow, most=10) == 1
        for table in ("case_snapshot", "case_event", "report"):
            assert await intake.rows(f"{table} WHERE case_id = '{case_id}'") == 0
        assert await intake.rows("client_key WHERE owner = 'canary'") == 0


async def longer(opened: list[UUID], than: int) -> bool:
    return len(opened) > than


async def settled_beyond(intake: Intake, cases: list[UUID], wanted: int) -> bool:
    query = "SELECT count(*) FROM case_event WHERE case_id = ANY($1) AND type LIKE '%mode_changed%'"
    return bool(await intake.pool.fetchval(query, cases) >= wanted)


async def walker(postgres: str, folder: Path) -> asyncio.subprocess.Process:
    """A process that does nothing but settle, five cases a batch."""
    with (folder / "walker.log").open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.integration.intake.walker",
            cwd=Path(__file__).parents[3],
            env=os.environ | {"WHISTLE_POSTGRES": postgres},
            stdout=log,
            stderr=log,
        )
