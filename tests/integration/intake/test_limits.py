"""Who asks too often gets 429 and the seconds to wait, over HTTP."""

import httpx
import pytest
from pydantic import ValidationError

from services.intake.api import make_api
from services.intake.api.limits import RateLimits, Rates
from services.intake.settings import Settings
from shared.runtime.auth import KeyRing
from tests.integration.intake.harness import REPORT, Intake, bearer


async def test_a_key_that_asks_too_often_waits_and_another_does_not(intake: Intake, keyring: KeyRing) -> None:
    limits = RateLimits(rates=Rates(key="2/hour"), told=intake.metrics.limited_by)
    app = make_api(intake.doors, keyring, intake.metrics, limits)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake") as http:
        answers = [await http.post("/v1/reports", json=dict(REPORT), headers=bearer("hotline")) for _ in range(3)]
        other = await http.post("/v1/reports", json=dict(REPORT), headers=bearer("operator"))
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert other.status_code == 201
    assert 1 <= int(answers[2].headers["retry-after"]) <= 3600
    assert answers[2].headers["content-type"] == "application/problem+json"
    assert answers[2].json()["type"] == "/problems/too-many-requests"
    assert intake.metrics.registry.get_sample_value("whistle_intake_limited_total", {"reason": "key"}) == 1


async def test_keys_of_one_county_share_what_their_source_may_send(intake: Intake, keyring: KeyRing) -> None:
    app = make_api(intake.doors, keyring, intake.metrics, RateLimits(rates=Rates(source="1/hour")))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://intake") as http:
        first = await http.post("/v1/reports", json=dict(REPORT), headers=bearer("hotline"))
        second = await http.post("/v1/reports", json=dict(REPORT), headers=bearer("operator"))
        other = await http.post("/v1/reports", json={**REPORT, "source": "sensor"}, headers=bearer("hotline"))
    assert [first.status_code, second.status_code, other.status_code] == [201, 429, 201]


def test_a_rate_nobody_can_read_ends_the_start_and_names_the_setting() -> None:
    given = {"kafka": "k", "postgres": "p", "keys_file": "f", "secret_key": "s"}
    with pytest.raises(ValidationError, match="rate_key") as refused:
        Settings.model_validate({**given, "rate_key": "often"})
    assert "60/minute" in str(refused.value)
