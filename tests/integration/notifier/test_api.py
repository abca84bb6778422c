"""Reading over HTTP: what is answered, what is refused, and what another town never sees."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.vocabulary import OrderRole, Severity
from tests.fakes.notifier import Life, department, desk, whole_life
from tests.integration.notifier.harness import OTHER_VILLAGE, VILLAGE, House, bearer, house


async def test_a_case_tells_its_whole_story(notifier: House) -> None:
    life = Life(name="story", area=VILLAGE)
    order = life.order(department("water"))
    life.order(desk(VILLAGE), role=OrderRole.ASSIST)
    clock = life.clock(order)
    life.warn(clock)
    life.breach(clock)
    await notifier.tell(life.events)
    story = await notifier.get("town", f"/v1/cases/{life.case_id}")
    assert story["case"]["state"] == "routed"
    assert story["text"] == f"{life.title}。"
    assert [(one["role"], one["state"], one["stands"]) for one in story["orders"]] == [
        ("lead", "issued", True),
        ("assist", "issued", True),
    ]
    explanation = story["orders"][0]["explanation"]
    assert (explanation["rule_id"], explanation["conditions"][0]["actual"]) == ("water", "01.002")
    (shown,) = story["clocks"]
    assert (shown["running"], shown["arithmetic"], shown["warned"]) == (True, clock.arithmetic, [0.5])
    assert shown["seconds_left"] == pytest.approx((clock.due_at - notifier.clock()).total_seconds(), abs=5)
    assert [entry["type"].split(".")[2] for entry in story["timeline"]] == [
        "opened",
        "issued",
        "routed",
        "issued",
        "routed",
        "warned",
        "breached",
    ]
    assert story["timeline"][1]["why"][0]["explanation"]["rule_id"] == "water"
    assert story["timeline"][0]["actor"]["name"] == "12345 热线"


async def test_another_towns_case_is_answered_like_one_that_is_not_there(notifier: House) -> None:
    life = whole_life("theirs", area=OTHER_VILLAGE)
    await notifier.tell(life.events)
    theirs = await notifier.get("town", f"/v1/cases/{life.case_id}", status=404)
    nobodys = await notifier.get("town", f"/v1/cases/{uuid4()}", status=404)
    for problem in (theirs, nobodys):
        for changing in ("detail", "trace_id"):
            problem.pop(changing)
    assert theirs == nobodys
    assert (await notifier.get("town", "/v1/cases"))["cases"] == []
    assert (await notifier.get("town", "/v1/summary"))["cases"]["closed"] == 0
    await notifier.get("town", f"/v1/cases?area={OTHER_VILLAGE}", status=403)
    assert (await notifier.get("other", f"/v1/cases/{life.case_id}"))["case"]["state"] == "closed"


async def test_a_department_sees_the_cases_of_its_orders_and_in_them_its_own_part(notifier: House) -> None:
    mine, theirs = Life(name="mine", area=VILLAGE), Life(name="theirs", area=VILLAGE)
    water, power = mine.order(department("water")), mine.order(department("power"))
    mine.warn(mine.clock(water))
    mine.warn(mine.clock(power))
    mine.sign(power)
    theirs.order(department("power"))
    await notifier.tell([*mine.events, *theirs.events])
    listed = await notifier.get("water", "/v1/cases")
    assert [line["case_id"] for line in listed["cases"]] == [str(mine.case_id)]
    await notifier.get("water", f"/v1/cases/{theirs.case_id}", status=404)
    story = await notifier.get("water", f"/v1/cases/{mine.case_id}")
    assert [order["target"]["id"] for order in story["orders"]] == ["water"]
    assert [clock["target"]["id"] for clock in story["clocks"]] == ["water"]
    assert {entry["target"]["id"] for entry in story["timeline"] if entry["target"]} == {"water"}


async def test_lists_filter_by_every_field(notifier: House) -> None:
    grave = Life(name="grave", area=VILLAGE, severity=Severity.I, category="03.001", title="燃气味很浓")
    plain = Life(name="plain", area="990101001201", severity=Severity.IV)
    plain.order(department("water"))
    await notifier.tell([*grave.events, *plain.events])
    for query, expected in {
        "severity=1": [grave],
        "severity=IV": [plain],
        "severity=1,4": [plain, grave],
        "category=03": [grave],
        "state=routed": [plain],
        "state=opened,routed": [plain, grave],
        "level=village": [plain, grave],
        "level=county": [],
        "area=990101001201": [plain],
        "department=water": [plain],
        "q=%E7%87%83%E6%B0%94": [grave],
        "q=%25": [],
        "late=true": [],
    }.items():
        listed = await notifier.get("town", f"/v1/cases?{query}")
        found = {line["case_id"] for line in listed["cases"]}
        assert found == {str(life.case_id) for life in expected}, query


async def test_pages_follow_each_other_by_cursor_in_both_orders(notifier: House) -> None:
    for number in range(9):
        life = Life(name=f"paged-{number}", area=VILLAGE)
        order = life.order(department("water"))
        life.warn(life.clock(order, minutes=10 + number))
        await notifier.tell(life.events)
    for sort in ("newest", "due"):
        seen: list[str] = []
        cursor = ""
        while True:
            page = await notifier.get("town", f"/v1/cases?limit=4&sort={sort}{cursor}")
            seen += [line["case_id"] for line in page["cases"]]
            if page["next"] is None:
                break
            cursor = f"&cursor={page['next']}"
        assert len(seen) == len(set(seen)) == 9, sort


@pytest.mark.parametrize(
    ("path", "field"),
    (
        ("/v1/cases?state=lost", "?state"),
        ("/v1/cases?level=country", "?level"),
        ("/v1/cases?severity=0", "?severity"),
        ("/v1/cases?limit=0", "?limit"),
        ("/v1/cases?limit=1000", "?limit"),
        ("/v1/cases?cursor=!!!", "?cursor"),
        ("/v1/cases?cursor=YWJj", "?cursor"),
        ("/v1/cases?sort=random", "?sort"),
        ("/v1/cases?late=perhaps", "?late"),
        ("/v1/cases?area=99010100", "?area"),
        ("/v1/cases/not-a-case", "path:case_id"),
        (f"/v1/cases?q={'x' * 65}", "?q"),
        (f"/v1/cases?category={'x' * 60}", "?category"),
        (
            "/v1/cases?type=" + ",".join("abc" for _ in range(3)) + "&severity=" + ",".join("1" for _ in range(51)),
            "?severity",
        ),
    ),
)
async def test_a_wrong_query_is_refused_by_its_name(notifier: House, path: str, field: str) -> None:
    problem = await notifier.get("town", path, status=422)
    assert problem["errors"][0]["field"] == field
    assert problem["errors"][0]["allowed"] or "problem" in problem["errors"][0]


async def test_me_says_whose_key_it_is_by_name(notifier: House) -> None:
    town = await notifier.get("town", "/v1/me")
    assert (town["role"], town["area"], town["area_name"]["zh"]) == ("desk", "990101001", "麓城街道")
    neighbour = await notifier.get("neighbour", "/v1/me")
    assert neighbour["area_name"] is None


async def test_names_reach_no_further_than_the_key(notifier: House) -> None:
    names = await notifier.get("town", "/v1/names")
    assert "990101001200" in names["areas"]
    assert "990101" in names["areas"]
    assert not any(code.startswith("990101002") for code in names["areas"])
    assert names["categories"]["01.002"]["parent"] == "01"
    await notifier.get("neighbour", "/v1/names", status=503)


async def test_counts_are_those_of_the_scope(notifier: House) -> None:
    mine, theirs = Life(name="count-mine", area=VILLAGE), whole_life("count-theirs", area=OTHER_VILLAGE)
    order = mine.order(department("water"))
    clock = mine.clock(order)
    mine.breach(clock)
    mine.escalate(clock)
    await notifier.tell([*mine.events, *theirs.events])
    town = await notifier.get("town", "/v1/summary")
    assert town["cases"] == {**dict.fromkeys(town["cases"], 0), "routed": 1}
    assert (town["orders"], town["escalations"]["town"]) == ({"village": 1, "town": 0, "county": 0}, 1)
    notifier.clock.ahead = clock.due_at + timedelta(seconds=1) - notifier.clock()
    assert (await notifier.get("town", "/v1/summary"))["late_cases"] == 1
    county = await notifier.get("county", "/v1/summary")
    assert (county["cases"]["closed"], sum(county["orders"].values())) == (1, 3)


async def test_a_source_key_reads_nothing_and_no_key_reads_less(notifier: House) -> None:
    for path in ("/v1/cases", f"/v1/cases/{uuid4()}", "/v1/summary", "/v1/me", "/v1/names", "/v1/subscriptions"):
        await notifier.get("source", path, status=403)
        assert (await notifier.client.get(path)).status_code == 401


async def test_the_page_comes_with_a_strict_policy_and_is_not_sent_twice(notifier: House) -> None:
    first = await notifier.client.get("/")
    assert first.status_code == 200
    assert first.headers["content-type"].startswith("text/html")
    policy = first.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    again = await notifier.client.get("/", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    for name, kind in (("main.js", "text/javascript"), ("desk.css", "text/css"), ("mark.svg", "image/svg+xml")):
        answer = await notifier.client.get(f"/page/{name}")
        assert answer.headers["content-type"].startswith(kind)
    for name in ("nothing.js", "..%2Fapp.py", "%2e%2e/settings.py", "index.html%00"):
        assert (await notifier.client.get(f"/page/{name}")).status_code == 404


async def test_without_postgres_the_answer_is_503_and_says_when_to_come_again(dsn: str) -> None:
    async with house(dsn) as notifier:
        await notifier.pool.close()
        answer = await notifier.client.get("/v1/cases", headers=bearer("town"))
        assert answer.status_code == 503
        assert answer.headers["retry-after"]
        problem: dict[str, Any] = answer.json()
        assert "PostgreSQL" in problem["detail"]


async def test_the_openapi_file_describes_what_is_answered(notifier: House) -> None:
    schema = (await notifier.client.get("/openapi.json")).json()
    assert set(schema["paths"]) >= {
        "/v1/stream",
        "/v1/cases",
        "/v1/cases/{case_id}",
        "/v1/summary",
        "/v1/subscriptions",
        "/v1/subscriptions/{subscription_id}/deliveries/{delivery_id}/replay",
    }
    assert "CaseStoryView" in schema["components"]["schemas"]
