"""What somebody says over HTTP for a reason is what the audit says for why: approvals, whistles, replies, merges."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from shared.runtime.clock import utc_now
from tests.integration.intake.harness import Intake, bearer
from tests.integration.intake.orders import issue
from tests.integration.intake.test_case_life import fold_clock, started


async def whys(intake: Intake, case_id: UUID) -> dict[str, str]:
    """What the audit answers an auditor: the last why of each kind of fact."""
    found = await intake.http.get("/v1/audit", params={"case_id": str(case_id)}, headers=bearer("auditor"))
    assert found.status_code == 200, found.text
    return {one["kind"].split(".")[2]: one["why"] for one in found.json()["entries"]}


async def done(intake: Intake, case_id: UUID, key: str, action: str, **body: object) -> dict[str, str]:
    answer = await intake.act(case_id, key, action, **body)
    assert answer.status_code == 200, answer.text
    made: dict[str, str] = answer.json()
    return made


async def test_why_more_time_was_approved_stands_in_the_audit(intake: Intake) -> None:
    case_id = await intake.open()
    issued = await issue(intake, case_id)
    await fold_clock(intake, issued, started(issued, utc_now() + timedelta(days=2)))
    await done(intake, case_id, "gas bureau", "sign", reason="就在附近")
    until = (utc_now() + timedelta(days=3)).isoformat()
    await done(intake, case_id, "gas bureau", "extend", until=until, reason="等配件")
    await done(intake, case_id, "west village", "approve", reason="配件确实在途")
    await done(intake, case_id, "west desk", "approve", reason="同意西村意见")
    told = await whys(intake, case_id)
    assert told["signed"] == "就在附近"
    assert told["extension_asked"] == "等配件"
    assert told["extension_backed"] == "配件确实在途"
    assert told["extended"] == "同意西村意见"


async def test_why_a_whistle_was_let_sound_stands_in_the_audit_and_why_it_was_asked_beside_it(intake: Intake) -> None:
    case_id = await intake.open()
    await issue(intake, case_id)
    asked: dict[str, object] = {"kind": "key_work", "departments": ["police"]}
    made = await done(intake, case_id, "west village", "whistle", reason="请联合到场", **asked)
    await done(intake, case_id, "village head", "confirm", whistle_id=made["whistle_id"], reason="情况属实")
    told = await whys(intake, case_id)
    assert (told["whistle_asked"], told["whistled"]) == ("请联合到场", "情况属实")
    asked["departments"] = ["market"]
    made = await done(intake, case_id, "west village", "whistle", reason="再请市场局", **asked)
    await done(intake, case_id, "village head", "confirm", whistle_id=made["whistle_id"])
    assert (await whys(intake, case_id))["whistled"] == "再请市场局"


async def test_a_reply_to_an_instruction_is_its_own_why(intake: Intake) -> None:
    case_id = await intake.open()
    await issue(intake, case_id)
    until = (utc_now() + timedelta(days=1)).isoformat()
    await done(intake, case_id, "county desk", "supervise", until=until, reason="今日办结")
    await done(intake, case_id, "gas bureau", "reply", reason="已到现场")
    told = await whys(intake, case_id)
    assert (told["supervised"], told["supervision_replied"]) == ("今日办结", "已到现场")


async def test_why_two_cases_are_one_and_two_again_stands_in_the_audit(intake: Intake) -> None:
    one, other = [await intake.open(text=text) for text in ("市场门口燃气味很重", "村口路灯不亮三天了")]
    await done(intake, other, "west desk", "merge", into=str(one), reason="同一处")
    assert (await whys(intake, other))["merged"] == "同一处"
    report = await intake.pool.fetchval("SELECT report_id FROM report WHERE text LIKE '%路灯%'")
    split = await intake.act(one, "west desk", "split", report_id=str(report), reason="并错了")
    assert split.status_code == 200, split.text
    assert (await whys(intake, one))["report_split"] == "并错了"
