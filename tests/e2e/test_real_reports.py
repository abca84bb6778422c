"""A thousand real messages through all four services: each accepted one has an order, a clock and a delivery.

The messages are public hotline cases and service requests that lie beside the project, not in it; without them
the test skips. None of their words is printed: a failure names ids only.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import asyncpg
import pytest

from deploy.local.demo.evidence import ends, read
from deploy.local.keys import DEMO_COUNTY, county_bearers
from shared.playbook.publish import publish
from shared.runtime.clock import utc_now
from shared.runtime.delivery import Publisher
from tests.e2e.nyc_playbook import NYC_COUNTY, nyc_playbook
from tests.e2e.sink import Sink, sink
from tests.e2e.walk import Door, door, until

if TYPE_CHECKING:
    from deploy.local.platform import Platform

DATA: Final = Path(os.environ.get("WHISTLE_SHARED", Path(__file__).parents[3] / "shared")) / "data"
HOTLINE: Final = DATA / "fuzhou_12345" / "cases.csv"
REQUESTS: Final = DATA / "nyc311" / "requests.csv"
OF_EACH: Final = 500
ISSUED: Final = "whistle.order.issued.v1"

pytestmark = pytest.mark.skipif(
    not (HOTLINE.exists() and REQUESTS.exists()), reason="the public messages do not lie beside the project"
)


def rows(file: Path) -> Iterator[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def hotline_reports() -> list[tuple[str, dict[str, Any]]]:
    """The first messages with their own words; their district is another county's, so each goes to a town of ours."""
    towns = [f"{DEMO_COUNTY}{number:03d}" for number in (1, 2, *range(101, 109), 201, 202)]
    listed = [row for row in rows(HOTLINE) if row["content"].strip()][:OF_EACH]
    return [
        (
            row["case_id"],
            {"source": "hotline", "text": f"{row['title']}\n{row['content']}"[:8000], "area": towns[n % len(towns)]},
        )
        for n, row in enumerate(listed)
    ]


def request_reports() -> list[tuple[str, dict[str, Any]]]:
    """The first requests with coordinates, sent by point."""
    playbook = nyc_playbook(REQUESTS)
    known = {category.name.en: code for code, category in playbook.categories.items()}
    listed = [row for row in rows(REQUESTS) if row["lat"] and row["complaint_type"] in known][:OF_EACH]
    return [
        (
            row["request_id"],
            {
                "source": "resident",
                "text": f"{row['complaint_type']}: {row['descriptor']}",
                "category": known[row["complaint_type"]],
                "place": {"lon": float(row["lon"]), "lat": float(row["lat"])},
            },
        )
        for row in listed
    ]


async def clocked(system: Platform) -> set[str]:
    """The ids of the cases that have a clock."""
    connection = await asyncpg.connect(system.dsn)
    try:
        return {str(row["case_id"]) for row in await connection.fetch("SELECT DISTINCT case_id FROM escalation.clock")}
    finally:
        await connection.close()


async def ordered(system: Platform) -> set[str]:
    """The ids of the cases that have an order, from the topics themselves."""
    end = await ends(system.bootstrap)
    told = await read(system.bootstrap, dict.fromkeys(end, 0), end)
    return {str(issued.order.case_id) for issued in told.orders.values()}


async def accepted(sender: Door, reports: list[tuple[str, dict[str, Any]]], kept: Sink) -> set[str]:
    """The case ids of the reports, all of which must be accepted; their orders are delivered to the sink.

    What waits for a person is filed as it was guessed; reports of one matter share its case.
    """
    await sender.subscribe(kept, f"/{reports[0][0]}", type=[ISSUED])
    answers = await sender.send_all(reports)
    assert {answer.status_code for answer in answers} == {201}, {
        key: answer.json() for (key, _), answer in zip(reports, answers, strict=True) if answer.status_code != 201
    }
    told = [answer.json() for answer in answers]
    for waiting in {body["case_id"] for body in told if body["state"] == "received"}:
        filed = await sender.act(waiting, "file")
        assert filed.status_code == HTTPStatus.OK, filed.text
    return {body["case_id"] for body in told}


@pytest.mark.slow
async def test_every_real_report_has_an_order_a_clock_and_a_delivery(system: Platform) -> None:
    system.hand_out(county_bearers(NYC_COUNTY))
    publisher = Publisher(system.bootstrap, client_id="test-real-reports")
    await publish(nyc_playbook(REQUESTS), publisher, now=utc_now())
    await publisher.stop()
    with sink() as kept:
        async with door(system, f"{DEMO_COUNTY}-operator") as ours, door(system, f"{NYC_COUNTY}-operator") as theirs:

            async def playbook_known() -> bool:
                answer = await theirs.send({"source": "resident", "text": "probe", "area": NYC_COUNTY}, "probe")
                return answer.status_code == 201

            await until(playbook_known, what=f"intake knows the playbook of {NYC_COUNTY}")
            wanted = await accepted(ours, hotline_reports(), kept) | await accepted(theirs, request_reports(), kept)
            assert OF_EACH < len(wanted) <= 2 * OF_EACH

            async def delivered() -> bool:
                return wanted <= kept.cases()

            await until(delivered, what="each case's order at the sink", seconds=180)
            assert wanted - await ordered(system) == set()

            async def all_clocked() -> bool:
                return wanted <= await clocked(system)

            await until(all_clocked, what="a clock for each case")
        assert kept.unsigned == []
