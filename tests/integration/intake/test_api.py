"""Reports and actions over the real ASGI app and a real PostgreSQL."""

from tests.fakes.small_county import GAS_LEAK, WEST_CELLS
from tests.integration.intake.conftest import Intake


async def test_a_report_becomes_a_case_with_its_event_in_the_outbox(intake: Intake) -> None:
    answer = await intake.report(area=None, place={"lon": 100.5, "lat": 25.5, "address": "幸福路 12 号"})

    assert answer.status_code == 201
    body = answer.json()
    assert (body["state"], body["version"], body["area"]) == ("opened", 1, WEST_CELLS[0])
    assert (body["category"], body["severity"]) == (GAS_LEAK, 1)
    assert "燃气味" in body["why"]["category"]
    assert await intake.rows("outbox") == await intake.rows("case_event") == await intake.rows("report") == 1
    assert len(intake.woken) == 1
