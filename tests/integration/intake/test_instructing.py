"""A clock's chain instructs on a real PostgreSQL: the reply is judged by a desk above; older rows still read."""

from __future__ import annotations

import json
from dataclasses import replace
from uuid import UUID, uuid4

from services.intake.handlers import fold_batch
from shared.events.parts import CaseView, Target
from shared.events.sla import Clock, ClockEscalated, ClockStepped, Told
from shared.runtime.clock import utc_now
from shared.vocabulary import ChainAction, ClockKind, Level, Post, TargetKind, WhenLate
from tests.fakes.small_county import COUNTY, WEST
from tests.integration.intake.harness import Intake, record_of
from tests.integration.intake.orders import BUREAU, case_of, issue, told

TOWN_DESK = Target(kind=TargetKind.DESK, id=WEST)
COUNTY_DESK = Target(kind=TargetKind.DESK, id=COUNTY)


def clock(case: CaseView, order_id: UUID | None = None) -> Clock:
    return Clock(
        clock_id=uuid4(),
        kind=ClockKind.HANDLE,
        started_at=case.opened_at,
        due_at=utc_now(),
        level=Level.COUNTY,
        limit="1 个工作日",
        arithmetic="…",
        when_late=WhenLate.NONE,
        playbook=case.playbook,
        order_id=order_id,
        target=BUREAU,
        chain="urging",
    )


def instruction(case: CaseView, order_id: UUID | None = None) -> ClockStepped:
    return ClockStepped(
        case=case,
        clock=clock(case, order_id),
        chain="urging",
        step="written",
        nth=1,
        action=ChainAction.SUPERVISE,
        planned_at=utc_now(),
        fired_at=utc_now(),
        late_seconds=0,
        reason="…",
        to=(Told(target=BUREAU, post=Post.OFFICER),),
        instruction="今日书面说明",
        reply_due_at=utc_now(),
    )


async def test_a_chains_instruction_is_answered_sent_back_and_signed_off_by_a_desk_above(intake: Intake) -> None:
    case_id = await intake.open()
    order = (await issue(intake, case_id)).order
    step = instruction((await case_of(intake, case_id)).view, order.order_id)
    assert (await fold_batch([record_of(step, case_id)], doors=intake.doors)).rejected == []
    early = await intake.act(case_id, "county desk", "sign_off")
    assert early.status_code == 409, "nobody has replied yet"
    assert (await intake.act(case_id, "gas bureau", "reply", note="原因已查明")).status_code == 200
    for stranger in ("west desk", "west village", "gas bureau", "east desk"):
        assert (await intake.act(case_id, stranger, "sign_off")).status_code == 403, stranger
    back = {"reason": "没有写下一步", "until": "2099-01-01T00:00:00+08:00"}
    refused = await intake.act(case_id, "county desk", "send_back", **back)
    assert refused.status_code == 422, "a reply is due within a year"
    back["until"] = utc_now().replace(year=utc_now().year + 1, month=1, day=1).isoformat()
    assert (await intake.act(case_id, "county desk", "send_back", **back)).status_code == 200
    assert (await intake.act(case_id, "gas bureau", "reply", note="明日 12 时前修复")).status_code == 200
    assert (await intake.act(case_id, "county head", "sign_off", note="可以")).status_code == 200
    kinds = await told(intake, case_id)
    assert kinds[-5:] == [
        "supervised",
        "supervision_replied",
        "supervision_sent_back",
        "supervision_replied",
        "supervision_signed",
    ]


async def test_a_case_written_by_the_release_before_reads_and_is_moved_up_no_second_time(intake: Intake) -> None:
    case_id = await intake.open()
    view = (await case_of(intake, case_id)).view
    moved = ClockEscalated(
        case=view,
        clock=clock(view),
        fired_at=utc_now(),
        from_level=Level.VILLAGE,
        to_level=Level.TOWN,
        to=TOWN_DESK,
        when_late=WhenLate.OVERSEE,
        reason="…",
    )
    await fold_batch([record_of(moved, case_id)], doors=intake.doors)
    row = await intake.pool.fetchval("SELECT snapshot::text FROM case_snapshot WHERE case_id = $1", case_id)
    before = json.loads(row)
    del before["moved_up"], before["instructed"]
    await intake.pool.execute(
        "UPDATE case_snapshot SET snapshot = $2::text::jsonb WHERE case_id = $1", case_id, json.dumps(before)
    )
    await fold_batch([record_of(moved, case_id)], doors=intake.doors)
    assert (await told(intake, case_id)).count("escalated") == 1
    other = replace(moved, clock=clock(view))
    further = replace(other, from_level=Level.TOWN, to_level=Level.COUNTY, to=COUNTY_DESK)
    records = [record_of(one, case_id) for one in (other, further, other, further)]
    assert (await fold_batch(records, doors=intake.doors)).rejected == []
    assert (await told(intake, case_id)).count("escalated") == 3
