"""Reports and actions over the real ASGI app and a real PostgreSQL."""

import asyncio
import json
from typing import Any
from uuid import UUID

import msgspec
import pytest

from services.intake.domain.life.case import Case
from services.intake.domain.life.evolve import evolve
from services.intake.handlers import fold_batch
from shared.events.codec import adapter
from shared.events.order import OrderIssued, OrderWithdrawn
from shared.events.parts import Target
from shared.events.topics import PAYLOADS
from shared.vocabulary import Level, OrderRole, TargetKind
from tests.fakes.small_county import COUNTY, GAS_BUREAU, GAS_LEAK, WEST, WEST_CELLS, WEST_VILLAGE
from tests.integration.intake.harness import Intake, order_of, record_of, why

BUREAU = Target(kind=TargetKind.DEPARTMENT, id=GAS_BUREAU, name="燃气公司")
TOWN = Target(kind=TargetKind.DESK, id=WEST, name="西镇")


async def issue(
    intake: Intake,
    case_id: UUID,
    target: Target = BUREAU,
    role: OrderRole = OrderRole.LEAD,
    level: Level = Level.COUNTY,
) -> UUID:
    case = await case_of(intake, case_id)
    order = order_of(case.view, target, role, level)
    issued = OrderIssued(order=order, case=case.view, explanation=why(), cause_id=order.order_id)
    outcome = await fold_batch([record_of(issued, case_id)], doors=intake.doors)
    assert not outcome.rejected
    return order.order_id


async def case_of(intake: Intake, case_id: UUID) -> Case:
    text = await intake.pool.fetchval("SELECT snapshot::text FROM case_snapshot WHERE case_id = $1", case_id)
    return msgspec.json.decode(text, type=Case)


async def replayed(intake: Intake, case_id: UUID) -> Case | None:
    rows = await intake.pool.fetch(
        "SELECT type, at, data::text AS data FROM case_event WHERE case_id = $1 ORDER BY version", case_id
    )
    case: Case | None = None
    for row in rows:
        case = evolve(case, adapter(PAYLOADS[row["type"]]).validate_json(row["data"]), at=row["at"])
    return case


async def test_a_report_becomes_a_case_with_its_event_in_the_outbox(intake: Intake) -> None:
    answer = await intake.report(area=None, place={"lon": 100.5, "lat": 25.5, "address": "幸福路 12 号"})

    assert answer.status_code == 201
    body = answer.json()
    assert (body["state"], body["version"], body["area"]) == ("opened", 1, WEST_CELLS[0])
    assert (body["category"], body["severity"]) == (GAS_LEAK, 1)
    assert "燃气味" in body["why"]["category"]
    assert await intake.rows("outbox") == await intake.rows("case_event") == await intake.rows("report") == 1
    assert len(intake.woken) == 1


async def test_nothing_personal_is_readable_in_the_database_or_leaves_by_the_outbox(intake: Intake) -> None:
    secrets = ("张三丰", "13912345678", "幸福路88号", "13800001111")
    who = {"name": secrets[0], "phone": secrets[1], "address": secrets[2]}
    answer = await intake.report(reporter=who, text="燃气味很重,回电13800001111", headers={"Idempotency-Key": "p"})

    report_id = UUID(answer.json()["report_id"])
    tables = ("case_snapshot", "case_event", "report", "reporter", "client_key")
    dump = [str(await intake.pool.fetch(f"SELECT t::text FROM {table} t")) for table in tables]  # noqa: S608  own tables
    dump += [row["value"].decode() for row in await intake.pool.fetch("SELECT value FROM outbox")]
    assert [secret for secret in secrets if any(secret in text for text in dump)] == []
    sealed = await intake.pool.fetchval("SELECT sealed FROM reporter WHERE report_id = $1", report_id)
    opened = json.loads(await intake.custody.vault.read(sealed, about=report_id))
    assert opened["reporter"] == who
    assert "13800001111" in opened["text"]


async def test_fifty_at_once_under_one_key_open_one_case(intake: Intake) -> None:
    answers = await asyncio.gather(*(intake.report(headers={"Idempotency-Key": "race"}) for _ in range(50)))

    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count("true") == 49
    assert await intake.pool.fetchval("SELECT count(*) FROM client_key WHERE key = 'race'") == 1
    case_id = UUID(answers[0].json()["case_id"])
    assert await intake.pool.fetchval("SELECT count(*) FROM case_event WHERE case_id = $1", case_id) == 1


async def test_fifty_at_once_under_one_key_with_two_bodies_open_one_case(intake: Intake) -> None:
    answers = await asyncio.gather(
        *(intake.report(text=f"燃气味{n % 2}", headers={"Idempotency-Key": "two"}) for n in range(50))
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] * 25 + [422] * 25
    assert len({answer.json()["case_id"] for answer in answers if answer.status_code == 201}) == 1


async def test_fifty_sign_at_once_and_one_is_first(intake: Intake) -> None:
    case_id = await intake.open()
    await issue(intake, case_id)
    answers = await asyncio.gather(*(intake.act(case_id, "gas bureau", "sign") for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * 49
    assert (await case_of(intake, case_id)).view.version == 3


async def test_fifty_signs_under_one_key_are_one_and_answered_alike(intake: Intake) -> None:
    case_id = await intake.open()
    await issue(intake, case_id)
    headers = {"Idempotency-Key": "sign"}
    answers = await asyncio.gather(*(intake.act(case_id, "gas bureau", "sign", headers=headers) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert (await case_of(intake, case_id)).view.version == 3


async def test_the_straight_path_from_report_to_rating(intake: Intake) -> None:
    case_id = await intake.open()
    order_id = await issue(intake, case_id)
    steps: tuple[tuple[str, str, dict[str, Any], str], ...] = (
        ("gas bureau", "sign", {}, "signed"),
        ("gas bureau", "arrive", {"order_id": str(order_id)}, "arrived"),
        ("gas bureau", "progress", {"note": "已关阀"}, "in_progress"),
        ("gas bureau", "resolve", {"note": "换了管道"}, "resolved"),
        ("west desk", "reject", {"reason": "还有气味"}, "in_progress"),
        ("operator", "resolve", {"note": "再查过了"}, "resolved"),
        ("west desk", "verify", {}, "verified"),
        ("county desk", "close", {}, "closed"),
        ("hotline", "rate", {"rating": "satisfied"}, "closed"),
        ("hotline", "reopen", {"reason": "又有气味"}, "opened"),
    )
    for version, (key, action, more, state) in enumerate(steps, start=3):
        answer = await intake.act(case_id, key, action, **more)
        assert answer.status_code == 200, answer.text
        assert (answer.json()["state"], answer.json()["version"]) == (state, version)
    case = await case_of(intake, case_id)
    assert case.view.reopened == 1
    assert await replayed(intake, case_id) == case


async def test_the_return_path_and_an_escalation_by_folds(intake: Intake) -> None:
    case_id = await intake.open()
    await issue(intake, case_id)
    returned = await intake.act(case_id, "gas bureau", "return", reason="不是燃气,是下水道")
    assert returned.json()["state"] == "returned"
    village = Target(kind=TargetKind.DESK, id=WEST_VILLAGE, name="西村")
    old = await issue(intake, case_id, village, level=Level.VILLAGE)
    new = await issue(intake, case_id, TOWN, level=Level.TOWN)
    case = await case_of(intake, case_id)
    withdrawn = OrderWithdrawn(
        order=order_of(case.view, village, OrderRole.LEAD, Level.VILLAGE, order_id=old),
        case=case.view,
        reason="超时",
        cause_id=new,
        replaced_by=new,
    )
    await fold_batch([record_of(withdrawn, case_id)], doors=intake.doors)

    case = await case_of(intake, case_id)
    assert (case.view.lead, case.view.level, [one.target for one in case.view.returns]) == (TOWN, Level.TOWN, [BUREAU])
    assert (await intake.act(case_id, "west village", "sign")).status_code == 409
    assert (await intake.act(case_id, "west desk", "sign")).status_code == 200
    assert await replayed(intake, case_id) == await case_of(intake, case_id)


async def test_events_leave_in_the_order_of_the_case_under_its_id(intake: Intake) -> None:
    case_id = await intake.open()
    village = Target(kind=TargetKind.DESK, id=WEST_VILLAGE, name="西村")
    await issue(intake, case_id, village, level=Level.VILLAGE)
    await issue(intake, case_id, TOWN, level=Level.TOWN)  # takes over: two events in one transaction
    await intake.act(case_id, "west desk", "sign")
    rows = await intake.pool.fetch(
        "SELECT topic, key, event_id FROM outbox WHERE key = $1 ORDER BY position", str(case_id).encode()
    )
    log = await intake.pool.fetch("SELECT event_id FROM case_event WHERE case_id = $1 ORDER BY version", case_id)
    assert {row["topic"] for row in rows} == {"whistle.case.v1"}
    assert [row["event_id"] for row in rows] == [row["event_id"] for row in log]
    assert len(log) == 5


async def test_the_trace_of_a_request_goes_on_in_its_event(intake: Intake) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await intake.report(headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    key = answer.json()["case_id"].encode()
    headers = json.loads(await intake.pool.fetchval("SELECT headers::text FROM outbox WHERE key = $1", key))
    assert trace in dict(headers)["traceparent"]
    assert trace in answer.headers["traceresponse"]


@pytest.mark.parametrize(
    ("key", "action"), (("east desk", "verify"), ("west desk", "sign"), ("auditor", "close"), ("hotline", "sign"))
)
async def test_a_key_that_may_not_act_is_told_who_may(intake: Intake, key: str, action: str) -> None:
    case_id = await intake.open()
    await issue(intake, case_id)
    answer = await intake.act(case_id, key, action)
    assert answer.status_code == 403
    assert answer.json()["errors"][0]["allowed"]
    assert (await case_of(intake, case_id)).view.version == 2


async def test_what_is_allowed_next_is_for_the_key_that_asked(intake: Intake) -> None:
    case_id = await intake.open()
    await issue(intake, case_id)
    await issue(intake, case_id, TOWN, OrderRole.ASSIST, Level.TOWN)
    signed = await intake.act(case_id, "west desk", "sign")
    own = ["arrive", "progress", "resolve", "return"]
    assert signed.json()["allowed"] == [
        *own,
        *("whistle", "transfer", "refuse", "recategorise", "merge", "note", "hand_over"),
    ]
    assert signed.json()["state"] == "routed"
    await intake.act(case_id, "gas bureau", "sign")
    resolved = await intake.act(case_id, "gas bureau", "resolve")
    assert resolved.json()["allowed"] == ["note"]
    verified = await intake.act(case_id, "west desk", "verify")
    assert verified.json()["allowed"] == ["close", "note", "hand_over", "rate_department"]


async def test_the_county_may_name_a_county_wide_area(intake: Intake) -> None:
    answer = await intake.report(area=COUNTY)
    assert answer.json()["area"] == COUNTY
