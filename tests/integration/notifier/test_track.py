"""A report followed by its code: what the public reads, what it never reads, and where a report goes on."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest

from shared.events.case import (
    CaseMerged,
    CaseNoted,
    CaseRated,
    CaseRefused,
    CaseReportJoined,
    CaseReportSplit,
    CaseResolved,
    CaseSupervised,
    NoteKind,
    Rating,
)
from shared.events.envelope import WHISTLE
from shared.events.parts import Actor, Reply
from shared.tracking import digest_of_code, new_code
from shared.vocabulary import ActorKind, CaseState, ClockKind, OrderRole, RefusalCode, Source
from tests.fakes.notifier import START, Life, department, desk
from tests.integration.notifier.harness import TOWN, VILLAGE, House, house

OFFICER = Actor(kind=ActorKind.DESK, id=TOWN, name="陈主任", key_id="k1")


def reported(name: str, code: str, **more: Any) -> Life:
    """A case whose first report has ``code``."""
    return Life(name=name, area=VILLAGE, tracking=digest_of_code(code), **more)


def joined(master: Life, code: str, *, report_id: UUID | None = None, from_case: UUID | None = None) -> UUID:
    """Another report becomes part of ``master``; its id."""
    report = report_id or uuid4()
    master.tell(
        CaseReportJoined,
        view={"reports": master.view.reports + 1},
        report_id=report,
        source=Source.RESIDENT,
        text="我们楼也没有水，王先生",
        why="同一小区、同一类别",
        tracking=digest_of_code(code),
        from_case=from_case,
    )
    return report


async def track(notifier: House, code: str, *, status: int = 200) -> Any:
    answer = await notifier.client.get(f"/v1/track/{code}")
    assert answer.status_code == status, answer.text
    return answer.json()


def words(story: Any) -> list[str]:
    return [step["words"]["zh"] for step in story["steps"]]


async def test_whoever_has_the_code_reads_every_public_step_and_nothing_from_inside(notifier: House) -> None:
    code = new_code()
    life = reported("public", code)
    order = life.order(department("water"))
    life.order(desk(VILLAGE), role=OrderRole.ASSIST)
    life.start(life.clock(order, ClockKind.HANDLE, minutes=240))
    life.sign(order)
    life.progress(order, "张师傅 13800000000 已出发")
    life.tell(CaseNoted, by=OFFICER, kind=NoteKind.REMARK, note="内部备注：此人常来")
    life.tell(
        CaseSupervised,
        by=OFFICER,
        supervision_id=uuid4(),
        target=department("water"),
        instruction="内部督办意见",
        reply_due_at=life.now + timedelta(hours=4),
    )
    life.tell(
        CaseResolved,
        by=OFFICER,
        view={"state": CaseState.RESOLVED},
        order_id=order.order_id,
        order_role=OrderRole.LEAD,
        target=order.target,
        note="内部办结意见",
        reply=Reply(accepted_at=START, spoken_with="王女士", done="已更换阀门，恢复供水", done_by=START),
    )
    life.verify()
    life.close()
    await notifier.tell(life.events)
    story = await track(notifier, code)
    assert (story["state"], story["words"]["zh"]) == ("closed", "已结案")
    assert story["case_id"] == str(life.case_id)
    assert story["area"]["zh"].startswith("麓城街道")
    assert words(story) == [
        "已受理",
        "已交由water 部门办理",
        f"{VILLAGE} 指挥平台协助办理",
        "water 部门已签收",
        "water 部门正在办理",
        "上级已督办",
        "water 部门已办理，等待核查",
        "核查通过",
        "已结案，请您评价",
    ]
    assert [step["note"] for step in story["steps"] if step["note"]] == ["已更换阀门，恢复供水"]
    told = json.dumps(story, ensure_ascii=False)
    for inside in ("内部", "陈主任", "张师傅", "王女士", "13800000000", "回访满意", "k1", digest_of_code(code)):
        assert inside not in told


async def test_an_unknown_code_is_404_and_no_code_at_all_says_what_one_looks_like(notifier: House) -> None:
    unknown = await track(notifier, new_code(), status=404)
    assert unknown["type"].endswith("not-found")
    wrong = await track(notifier, "K7QM", status=422)
    assert wrong["errors"][0]["field"] == "/code"
    assert "16" in wrong["errors"][0]["allowed"][0]


async def test_a_code_is_read_however_it_is_typed(notifier: House) -> None:
    code = new_code()
    await notifier.tell(reported("typed", code).events)
    assert (await track(notifier, code.lower().replace("-", "")))["state"] == "opened"


async def test_what_is_due_next_is_the_offices_own_limit_and_nothing_while_it_stands_still(notifier: House) -> None:
    code = new_code()
    life = reported("due", code)
    order = life.order(department("water"))
    handle = life.clock(order, ClockKind.HANDLE, minutes=240)
    life.start(handle)
    life.start(life.clock(order, ClockKind.SIGN_IN, minutes=30))
    await notifier.tell(life.events)
    assert (await track(notifier, code))["due"]["due_at"] == handle.due_at.isoformat().replace("+00:00", "Z")
    told = len(life.events)
    life.pause(order, until=life.now + timedelta(days=3))
    await notifier.tell(life.events[told:])
    paused = await track(notifier, code)
    assert (paused["due"], paused["state"]) == (None, "paused")
    assert paused["held_until"] is not None


async def test_rating_and_reopening_are_offered_while_they_are_open(notifier: House) -> None:
    code = new_code()
    life = reported("after", code, now=notifier.clock() - timedelta(hours=1))
    order = life.order(department("water"))
    life.sign(order)
    life.resolve(order)
    life.verify()
    await notifier.tell(life.events)
    assert (await track(notifier, code))["next"] == {"rate": False, "reopen_until": None}
    told = len(life.events)
    life.close()
    closed_at = life.events[-1].time
    life.tell(CaseRated, rating=Rating.BASICALLY, note="王先生：还可以")
    await notifier.tell(life.events[told:])
    story = await track(notifier, code)
    assert story["next"] == {
        "rate": True,
        "reopen_until": (closed_at + timedelta(hours=72)).isoformat().replace("+00:00", "Z"),
    }
    assert words(story)[-1] == "群众评价：基本满意"
    notifier.clock.ahead = timedelta(hours=73)
    assert (await track(notifier, code))["next"]["reopen_until"] is None


async def test_a_refusal_tells_the_reporter_the_words_that_were_written_for_them(notifier: House) -> None:
    code = new_code()
    life = reported("refused", code, state=CaseState.RECEIVED)
    life.tell(
        CaseRefused,
        by=OFFICER,
        view={"state": CaseState.REFUSED},
        code=RefusalCode.LEGAL_WAY,
        reason="内部：已在法院立案",
        words="此事正由法院审理，请依判决办理。",
    )
    await notifier.tell(life.events)
    story = await track(notifier, code)
    assert words(story) == ["已收到您的反映，正在审核", "不予受理：应循法定途径"]
    assert story["steps"][-1]["note"] == "此事正由法院审理，请依判决办理。"
    assert "内部" not in json.dumps(story, ensure_ascii=False)


async def test_a_report_that_joined_a_case_reads_that_cases_steps(notifier: House) -> None:
    first, second = new_code(), new_code()
    master = reported("joined", first)
    order = master.order(department("water"))
    joined(master, second)
    master.sign(order)
    await notifier.tell(master.events)
    theirs, mine = await track(notifier, first), await track(notifier, second)
    assert words(theirs) == ["已受理", "已交由water 部门办理", "又有群众反映同一事项，共 2 件", "water 部门已签收"]
    assert words(mine)[2] == "您的反映与他人反映的是同一事项，已并入一并办理"
    assert [step["yours"] for step in mine["steps"]] == [False, False, True, False]
    assert (mine["merged"], mine["reports"], mine["case_id"]) == (True, 2, str(master.case_id))
    assert theirs["merged"] is False
    assert "王先生" not in json.dumps([theirs, mine], ensure_ascii=False)


@pytest.mark.parametrize("by_master", (True, False))
async def test_a_case_merged_by_an_officer_goes_on_as_its_master(notifier: House, by_master: bool) -> None:
    code = new_code()
    master, child = reported("into", new_code()), reported("child", code, now=START + timedelta(minutes=5))
    child.tell(
        CaseMerged,
        by=OFFICER,
        view={"state": CaseState.MERGED, "master": master.case_id},
        into=master.case_id,
        reason="同一处漏水",
    )
    master.now = child.now
    if by_master:
        joined(master, code, from_case=child.case_id)
    master.sign(master.order(department("water")))
    await notifier.tell([*child.events, *master.events])
    story = await track(notifier, code)
    assert (story["case_id"], story["merged"], story["state"]) == (str(master.case_id), True, "signed")
    assert "与另一诉求属同一事项，并案办理" in words(story)
    assert words(story)[-1] == "water 部门已签收"
    assert "同一处漏水" not in json.dumps(story, ensure_ascii=False)


async def test_a_report_split_off_again_follows_its_own_case_and_nobody_elses(notifier: House) -> None:
    first, second = new_code(), new_code()
    master = reported("whole", first)
    report = joined(master, second)
    split_at = master.now
    master.tell(
        CaseReportSplit,
        by=OFFICER,
        view={"reports": 1},
        report_id=report,
        to_case=uuid5(WHISTLE, "apart"),
        reason="不是同一栋楼",
        tracking=digest_of_code(second),
    )
    own = reported("apart", second, now=split_at)
    master.sign(master.order(department("water")))
    own.sign(own.order(department("power")))
    await notifier.tell([*master.events, *own.events])
    mine, theirs = await track(notifier, second), await track(notifier, first)
    assert (mine["case_id"], mine["merged"]) == (str(own.case_id), False)
    assert words(mine) == [
        "您的反映与他人反映的是同一事项，已并入一并办理",
        "您的反映是另一事项，已另案办理",
        "已受理",
        "已交由power 部门办理",
        "power 部门已签收",
    ]
    assert "您的反映" not in "".join(words(theirs))
    assert "一件诉求另案办理" not in words(theirs)


async def test_one_address_may_ask_only_so_often(dsn: str) -> None:
    async with house(dsn, rate_address="3/hour", rate_proxies=1) as strict:
        asked = [
            await strict.client.get(f"/v1/track/{new_code()}", headers={"X-Forwarded-For": "198.51.100.7"})
            for _ in range(4)
        ]
        assert [one.status_code for one in asked] == [404, 404, 404, 429]
        assert int(asked[-1].headers["retry-after"]) > 0
        other = await strict.client.get(f"/v1/track/{new_code()}", headers={"X-Forwarded-For": "198.51.100.8"})
        assert other.status_code == 404


async def test_only_pages_that_are_named_may_read_and_only_what_is_public(dsn: str) -> None:
    async with house(dsn, public_origins="https://report.example.org/") as opened:
        page = {"Origin": "https://report.example.org"}
        answer = await opened.client.get(f"/v1/track/{new_code()}", headers=page)
        assert answer.headers["access-control-allow-origin"] == page["Origin"]
        other = await opened.client.get(f"/v1/track/{new_code()}", headers={"Origin": "https://elsewhere.example"})
        assert "access-control-allow-origin" not in other.headers
        inside = await opened.client.get("/v1/cases", headers=page)
        assert "access-control-allow-origin" not in inside.headers
