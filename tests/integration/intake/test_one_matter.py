"""One matter is one case: joined at arrival, merged and split by officers, whatever comes at one instant."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.intake.domain.reports.report import Report
from services.intake.handlers.drafting import asked_by, prepare
from services.intake.handlers.papers import Paper, keep_all
from services.intake.store.cases import PostgresCaseStore
from shared.events.parts import Actor
from shared.playbook.model import Emergency, Merging, Policy
from shared.runtime.postgres import PoolSettings, open_pool
from shared.tracking import digest_of_code
from shared.vocabulary import ActorKind, CaseState, EmergencyService, Severity, Source
from tests.fakes.called_county import called_county
from tests.fakes.intake import FakePlaybooks
from tests.fakes.small_county import COUNTY, EAST_CELLS, WEST_CELLS, WEST_VILLAGE
from tests.integration.intake.harness import Intake, bearer
from tests.integration.intake.orders import case_of, issue, told

ROUNDS = 50
CELL = WEST_CELLS[0]


def street() -> str:
    """A road that no other test names."""
    return "".join(random.sample("甲丙丁戊壬癸金银铜木石青红白黑松柏梅兰竹菊荷桂杏", 4)) + "路"


def burst(road: str) -> str:
    return f"{road}农贸市场门口的自来水管爆了，水流了一地，车都过不去，已经两个小时没有人来修。"


def burst_again(road: str) -> str:
    return f"{road}农贸市场自来水管爆了，水流满地，汽车过不去。没人来修。"


async def sent(intake: Intake, text: str, **changes: Any) -> dict[str, Any]:
    answer = await intake.report(text=text, area=changes.pop("area", CELL), **changes)
    assert answer.status_code == 201, answer.text
    body: dict[str, Any] = answer.json()
    return body


def with_rules(intake: Intake, **rules: Any) -> None:
    """Put other rules of merging into force."""
    with_policy(intake, Policy(merging=Merging(**rules)))


def with_policy(intake: Intake, policy: Policy) -> None:
    """Put another policy into force."""
    county = replace(called_county(), policy=policy)
    intake.doors = replace(intake.doors, playbooks=FakePlaybooks(county))
    intake.http._transport.app.state.rooms = replace(  # type: ignore[attr-defined]  # the app under the test's client
        intake.http._transport.app.state.rooms,  # type: ignore[attr-defined]  # as above
        doors=intake.doors,
    )


async def test_a_second_report_of_a_profile_joins_its_case_with_a_code_of_its_own(intake: Intake) -> None:
    road = street()
    first, second = await sent(intake, burst(road)), await sent(intake, burst_again(road))
    assert (first["merged"], second["merged"]) == (False, True)
    assert second["case_id"] == first["case_id"]
    assert road[:3] in second["why"]["merged"]
    assert first["tracking_code"] != second["tracking_code"]
    case_id = UUID(first["case_id"])
    assert await told(intake, case_id) == ["opened", "report_joined"]
    assert (await case_of(intake, case_id)).view.reports == 2
    digests = await intake.pool.fetch("SELECT tracking FROM report WHERE case_id = $1 ORDER BY received_at", case_id)
    assert [row["tracking"] for row in digests] == [digest_of_code(one["tracking_code"]) for one in (first, second)]
    events = await intake.pool.fetch(
        "SELECT data ->> 'tracking' AS tracking FROM case_event WHERE case_id = $1", case_id
    )
    assert {row["tracking"] for row in events} == {row["tracking"] for row in digests}


async def test_a_copied_text_with_another_place_is_another_profile(intake: Intake) -> None:
    first, second = await sent(intake, burst(street())), await sent(intake, burst(street()))
    assert second["case_id"] != first["case_id"]
    assert first["case_id"] not in second["alike"]


async def test_one_place_and_another_profile_of_one_family_are_two_cases(intake: Intake) -> None:
    road = street()
    first = await sent(intake, burst(road))
    second = await sent(intake, f"{road}农贸市场的自来水费账单算错了三个月，营业厅一直推脱，要求退还多收的钱。")
    assert second["case_id"] != first["case_id"]


async def test_nothing_is_merged_across_towns_by_itself(intake: Intake) -> None:
    road = street()
    first, second = await sent(intake, burst(road)), await sent(intake, burst(road), area=EAST_CELLS[0])
    assert second["case_id"] != first["case_id"]
    assert second["alike"] == []


async def test_words_that_fit_any_place_are_offered_and_not_merged(intake: Intake) -> None:
    text = f"自来水{''.join(random.sample('浑黄臭黑少小断停漏慢', 3))}"
    first = await sent(intake, text, area=WEST_VILLAGE)
    second = await sent(intake, text, area=WEST_VILLAGE)
    assert second["case_id"] != first["case_id"]
    assert first["case_id"] in second["alike"]
    opened = await intake.pool.fetchval(
        "SELECT data -> 'alike' -> 0 ->> 'why' FROM case_event WHERE case_id = $1", UUID(second["case_id"])
    )
    assert "用词相似度" in opened


async def test_the_count_raises_the_severity_up_to_two_and_many_make_a_mass_profile_once(intake: Intake) -> None:
    with_rules(intake, raise_every=2, mass_reports=4, mass_hours=1)
    road = street()
    texts = [burst(road), burst_again(road)] * 6
    bodies = [await sent(intake, text) for text in texts]
    case_id = UUID(bodies[0]["case_id"])
    assert {body["case_id"] for body in bodies} == {str(case_id)}
    assert bodies[0]["severity"] == Severity.IV
    view = (await case_of(intake, case_id)).view
    assert (view.reports, view.severity, view.mass) == (12, Severity.II, True)
    assert (await told(intake, case_id)).count("massed") == 1
    assert (await told(intake, case_id))[3:5] == ["report_joined", "massed"]


async def test_a_closed_case_is_offered_and_never_joined(intake: Intake) -> None:
    road = street()
    first = await sent(intake, burst(road))
    case_id = UUID(first["case_id"])
    await issue(intake, case_id)
    for key, action in (
        ("gas bureau", "sign"),
        ("gas bureau", "resolve"),
        ("county desk", "verify"),
        ("county desk", "close"),
    ):
        done = await intake.act(case_id, key, action, note="修好了")
        assert done.status_code == 200, done.text
    second = await sent(intake, burst_again(road))
    assert second["case_id"] != first["case_id"]
    assert first["case_id"] in second["alike"]


async def test_a_county_that_merges_nothing_opens_a_case_for_each(intake: Intake) -> None:
    with_rules(intake, hours=0)
    road = street()
    first, second = await sent(intake, burst(road)), await sent(intake, burst(road))
    assert first["case_id"] != second["case_id"]
    assert second["alike"] == []


async def test_a_sensors_report_and_a_secret_one_join_nothing(intake: Intake) -> None:
    road = street()
    first = await sent(intake, burst(road))
    secret, sensor = await sent(intake, burst(road), secret=True), await sent(intake, burst(road), source="sensor")
    assert len({first["case_id"], secret["case_id"], sensor["case_id"]}) == 3


async def test_life_at_risk_is_never_merged_silently_away(intake: Intake) -> None:
    emergency = Emergency(service=EmergencyService.FIRE, words=("有人被困",))
    with_policy(intake, Policy(emergencies=(emergency,)))
    road = street()
    first = await sent(intake, burst(road))
    second = await sent(intake, burst_again(road).replace("没人来修", "有人被困"))
    assert second["case_id"] != first["case_id"]
    assert first["case_id"] in second["alike"]
    assert await told(intake, UUID(second["case_id"])) == ["opened", "handed_over"]


def paper(text: str, intake: Intake) -> Paper:
    report = Report(source=Source.HOTLINE, text=text, area=CELL)
    by = Actor(kind=ActorKind.SOURCE, id="hotline")
    draft = prepare(report, report_id=uuid4(), by=by, at=COUNTY, doors=intake.doors)
    return Paper(draft=draft, key=None, asked=asked_by(report))


async def test_one_profile_told_twice_in_one_batch_is_one_case(intake: Intake) -> None:
    road, other = street(), street()
    papers = [paper(text, intake) for text in (burst(road), burst(other), burst_again(road), burst_again(other))]
    await keep_all(papers, doors=intake.doors)
    ids = [one.draft.command.report_id for one in papers]
    rows = await intake.pool.fetch("SELECT report_id, case_id FROM report WHERE report_id = ANY($1::uuid[])", ids)
    cases = {row["report_id"]: row["case_id"] for row in rows}
    assert cases[ids[0]] == cases[ids[2]]
    assert cases[ids[1]] == cases[ids[3]]
    assert cases[ids[0]] != cases[ids[1]]


async def test_two_replicas_given_one_profile_at_one_instant_make_one_case(intake: Intake, postgres: str) -> None:
    pool = await open_pool(postgres, "intake", settings=PoolSettings(smallest=4, largest=4))
    here = intake.doors
    there = replace(here, store=PostgresCaseStore(pool))
    for _ in range(ROUNDS):
        road = street()
        one, other = paper(burst(road), intake), paper(burst_again(road), intake)
        both = (keep_all([one], doors=here), keep_all([other], doors=there))
        await asyncio.gather(*both)
        ids = [one.draft.command.report_id, other.draft.command.report_id]
        cases = await intake.pool.fetchval(
            "SELECT array_agg(DISTINCT case_id) FROM report WHERE report_id = ANY($1::uuid[])", ids
        )
        assert len(cases) == 1
        assert await told(intake, cases[0]) == ["opened", "report_joined"]
    await pool.close()


async def two_cases(intake: Intake, **other: Any) -> tuple[UUID, UUID]:
    first, second = await sent(intake, burst(street())), await sent(intake, burst(street()), **other)
    return UUID(first["case_id"]), UUID(second["case_id"])


async def test_an_officer_merges_a_case_and_its_reports_go_on_in_the_other(intake: Intake) -> None:
    child, master = await two_cases(intake)
    await issue(intake, child)
    done = await intake.act(child, "west desk", "merge", into=str(master), reason="同一根水管")
    assert done.status_code == 200, done.text
    assert (done.json()["state"], done.json()["other_case_id"]) == ("merged", str(master))
    assert (await told(intake, child))[-2:] == ["order_withdrawn", "merged"]
    assert await told(intake, master) == ["opened", "report_joined"]
    ended = await case_of(intake, child)
    assert (ended.view.state, ended.view.master, ended.standing) == (CaseState.MERGED, master, ())
    assert (await case_of(intake, master)).view.reports == 2
    assert await intake.pool.fetchval("SELECT count(*) FROM report WHERE case_id = $1", master) == 2
    assert await intake.pool.fetchval("SELECT count(*) FROM case_profile WHERE case_id = $1", child) == 0


async def test_what_is_like_a_merged_case_joins_the_case_that_it_went_on_in(intake: Intake) -> None:
    road = street()
    child = UUID((await sent(intake, burst(road)))["case_id"])
    master = UUID((await sent(intake, burst(street())))["case_id"])
    await intake.act(child, "west desk", "merge", into=str(master), reason="同一根水管")
    assert (await sent(intake, burst_again(road)))["case_id"] == str(master)


async def test_a_merged_case_named_as_the_other_is_followed_and_a_ring_is_refused(intake: Intake) -> None:
    child, master = await two_cases(intake)
    third = UUID((await sent(intake, burst(street())))["case_id"])
    await intake.act(child, "west desk", "merge", into=str(master), reason="同一根水管")
    followed = await intake.act(third, "west desk", "merge", into=str(child), reason="也是那根水管")
    assert followed.json()["other_case_id"] == str(master)
    ring = await intake.act(master, "west desk", "merge", into=str(child), reason="反过来")
    assert ring.status_code == 422
    assert ring.json()["errors"][0]["field"] == "/into"


@pytest.mark.parametrize(("into", "field"), ((None, "/into"), (str(uuid4()), "/into")))
async def test_a_merge_into_nothing_says_what_it_needs(intake: Intake, into: str | None, field: str) -> None:
    case_id = UUID((await sent(intake, burst(street())))["case_id"])
    body = {} if into is None else {"into": into}
    refused = await intake.act(case_id, "west desk", "merge", reason="同一件事", **body)
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == field
    assert refused.json()["errors"][0]["allowed"]


async def test_a_desk_merges_only_what_is_its_own_on_both_sides(intake: Intake) -> None:
    west, east = await two_cases(intake, area=EAST_CELLS[0])
    for case_id, other in ((west, east), (east, west)):
        refused = await intake.act(case_id, "west desk", "merge", into=str(other), reason="同一件事")
        assert refused.status_code == 403, refused.text
    assert (await intake.act(west, "county desk", "merge", into=str(east), reason="跨镇同一件事")).status_code == 200


async def test_nothing_is_merged_into_a_case_that_has_ended(intake: Intake) -> None:
    child, master = await two_cases(intake)
    refused = await intake.act(
        master, "west desk", "refuse", code="not_county", reason="不属本县", words="请向邻县反映"
    )
    if refused.status_code == 422:
        code = refused.json()["errors"][0]["allowed"][0]
        refused = await intake.act(master, "west desk", "refuse", code=code, reason="不属本县", words="请向邻县反映")
    assert refused.status_code == 200, refused.text
    merged = await intake.act(child, "west desk", "merge", into=str(master), reason="同一件事")
    assert merged.status_code == 409
    assert "refused" in merged.json()["detail"]
    assert (await case_of(intake, child)).view.state is CaseState.OPENED


async def test_two_officers_who_merge_two_cases_into_one_another_make_one(intake: Intake) -> None:
    for _ in range(10):
        one, other = await two_cases(intake)
        answers = await asyncio.gather(
            intake.act(one, "west desk", "merge", into=str(other), reason="同一件事"),
            intake.act(other, "county desk", "merge", into=str(one), reason="同一件事"),
        )
        assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 422])


async def test_a_report_split_off_opens_a_case_by_its_own_words_and_keeps_its_code(intake: Intake) -> None:
    road = street()
    first = await sent(intake, burst(road))
    joined = await sent(intake, burst_again(road))
    master = UUID(first["case_id"])
    done = await intake.act(master, "west desk", "split", report_id=joined["report_id"], reason="另一处")
    assert done.status_code == 200, done.text
    apart = UUID(done.json()["other_case_id"])
    assert await told(intake, master) == ["opened", "report_joined", "report_split"]
    assert await told(intake, apart) == ["opened"]
    assert (await case_of(intake, master)).view.reports == 1
    split_off = await case_of(intake, apart)
    assert (split_off.text, split_off.view.area) == (burst_again(road), CELL)
    kept = await intake.pool.fetchrow(
        "SELECT case_id, tracking FROM report WHERE report_id = $1", UUID(joined["report_id"])
    )
    assert kept is not None
    assert (kept["case_id"], kept["tracking"]) == (apart, digest_of_code(joined["tracking_code"]))
    again = await intake.act(master, "west desk", "split", report_id=joined["report_id"], reason="另一处")
    assert again.status_code in {409, 422}


async def test_the_report_that_opened_a_case_is_not_split_off(intake: Intake) -> None:
    road = street()
    first = await sent(intake, burst(road))
    joined = await sent(intake, burst_again(road))
    refused = await intake.act(UUID(first["case_id"]), "west desk", "split", report_id=first["report_id"], reason="错")
    assert refused.status_code == 422
    assert refused.json()["errors"][0] == {
        "field": "/report_id",
        "problem": "that report opened the case",
        "allowed": [joined["report_id"]],
    }


async def alike_to(intake: Intake, text: str, **changes: Any) -> list[dict[str, Any]]:
    body = {"source": "hotline", "text": text, "area": CELL, **changes}
    answer = await intake.http.post("/v1/reports/alike", json=body, headers=bearer("hotline"))
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["alike"]
    return found


async def test_who_asks_before_sending_is_told_of_neighbours_and_of_nobody_secret(intake: Intake) -> None:
    road = street()
    phone = "13800138000"
    first = await sent(intake, f"{burst(road)}请打{phone}")
    await sent(intake, burst_again(road))
    before = await intake.rows("case_event")
    (found,) = await alike_to(intake, burst_again(road))
    assert found["case_id"] == first["case_id"]
    assert (found["reports"], found["state"], found["takes_reports"]) == (2, "opened", True)
    assert phone not in str(found)
    assert await intake.rows("case_event") == before, "asking keeps nothing"
    secret_road = street()
    await sent(intake, burst(secret_road), secret=True)
    assert await alike_to(intake, burst_again(secret_road)) == []


async def test_a_reporters_own_word_joins_a_case_and_is_refused_where_it_cannot_be(intake: Intake) -> None:
    first = await sent(intake, burst(street()))
    joined = await sent(intake, "我家的自来水也没有了，就是那件事", same_as=first["case_id"])
    assert (joined["case_id"], joined["merged"]) == (first["case_id"], True)
    elsewhere = await intake.report(text="我家的自来水也没有了", area=EAST_CELLS[0], same_as=first["case_id"])
    other_family = await intake.report(text="燃气表坏了，打不着火", area=CELL, same_as=first["case_id"])
    unknown = await intake.report(text="自来水没有了", area=CELL, same_as=str(uuid4()))
    for refused in (elsewhere, other_family, unknown):
        assert refused.status_code == 422, refused.text
        assert refused.json()["errors"][0]["field"] == "/same_as"
        assert "leave it out" in refused.json()["errors"][0]["allowed"]


async def test_a_case_named_anew_is_found_under_its_new_family(intake: Intake) -> None:
    road = street()
    case_id = UUID((await sent(intake, burst(road)))["case_id"])
    done = await intake.act(case_id, "west desk", "recategorise", category="03", reason="是燃气管")
    assert done.status_code == 200, done.text
    assert await intake.pool.fetchval("SELECT family FROM case_profile WHERE case_id = $1", case_id) == "03"
    assert not (await sent(intake, burst_again(road)))["merged"]
