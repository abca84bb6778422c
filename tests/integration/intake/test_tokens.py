"""A signed token of a real issuer opens the API as a key does; an issuer that is away is said to be away."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest

from deploy.local.issuer import LocalIssuer, issuer_app
from deploy.local.ports import free_port
from shared.runtime.auth import KeyRing
from shared.runtime.oidc import Issuers, OidcSettings
from shared.runtime.serving import HttpServer
from tests.fakes.small_county import COUNTY, WEST, WEST_VILLAGE
from tests.integration.intake.harness import KEYS, REPORT, Intake, bearer

AGAIN = {"Idempotency-Key": "once"}


@dataclass(slots=True)
class Outside:
    """An issuer on a port of this machine that can go away."""

    issuer: LocalIssuer
    server: HttpServer | None = None

    async def come(self) -> None:
        app = issuer_app(self.issuer)
        self.server = HttpServer(app, "127.0.0.1", int(self.issuer.url.rsplit(":", 1)[1]))
        await self.server.start()

    async def go(self) -> None:
        if self.server is not None:
            await self.server.stop()
            self.server = None

    async def token(self, **form: str) -> dict[str, str]:
        """A token as its own token endpoint gives it."""
        async with httpx.AsyncClient(base_url=self.issuer.url) as http:
            answer = await http.post("/token", data=form)
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}


@pytest.fixture
async def outside() -> AsyncIterator[Outside]:
    made = Outside(LocalIssuer(f"http://127.0.0.1:{free_port()}"))
    await made.come()
    yield made
    await made.go()


@pytest.fixture
def keyring(outside: Outside) -> KeyRing:
    issuers = Issuers(OidcSettings.model_validate({"issuers": outside.issuer.url}))
    return KeyRing([made.key for made in KEYS.values()], tokens=issuers)


async def test_a_token_reports_and_acts_as_a_key_does(intake: Intake, outside: Outside) -> None:
    who = await outside.token(role="desk", area=WEST, name="西镇平台")
    opened = await intake.http.post("/v1/reports", json=REPORT, headers=who)
    assert opened.status_code == 201, opened.text
    data = await intake.pool.fetchval(
        "SELECT data #>> '{by,name}' FROM case_event WHERE case_id = $1::uuid", opened.json()["case_id"]
    )
    assert data == "西镇平台"
    (key_id,) = {
        row["key_id"]
        for row in await intake.pool.fetch(
            "SELECT key_id FROM audit WHERE subject = $1::uuid", opened.json()["case_id"]
        )
    }
    assert key_id.startswith("oidc-")


async def test_a_grid_worker_reports_about_the_village_of_the_token_and_no_other(
    intake: Intake, outside: Outside
) -> None:
    who = await outside.token(role="grid_worker", area=WEST_VILLAGE, name="网格员")
    assert (await intake.http.post("/v1/reports", json=REPORT, headers=who)).status_code == 201
    elsewhere = {**REPORT, "area": COUNTY}
    assert (await intake.http.post("/v1/reports", json=elsewhere, headers=who)).status_code == 403


async def test_a_token_of_one_person_repeats_a_request_and_anothers_does_not(intake: Intake, outside: Outside) -> None:
    mine = await outside.token(role="source", area=COUNTY, sub="one")
    again = await outside.token(role="source", area=COUNTY, sub="one")
    others = await outside.token(role="source", area=COUNTY, sub="two")
    answers = [
        await intake.http.post("/v1/reports", json=REPORT, headers={**who, **AGAIN}) for who in (mine, again, others)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[2].json()["report_id"] != answers[0].json()["report_id"]


async def test_an_issuer_that_is_away_is_a_503_for_new_keys_and_nothing_for_known_ones(
    intake: Intake, outside: Outside
) -> None:
    who = await outside.token(role="source", area=COUNTY)
    await outside.go()
    away = await intake.http.post("/v1/reports", json=REPORT, headers=who)
    assert away.status_code == 503, away.text
    assert away.headers["retry-after"]
    assert "does not answer" in away.json()["detail"]
    assert (await intake.http.post("/v1/reports", json=REPORT, headers=bearer("hotline"))).status_code == 201


async def test_known_keys_go_on_while_the_issuer_is_away(intake: Intake, outside: Outside) -> None:
    who = await outside.token(role="source", area=COUNTY)
    assert (await intake.http.post("/v1/reports", json=REPORT, headers=who)).status_code == 201
    await outside.go()
    assert (await intake.http.post("/v1/reports", json=REPORT, headers=who)).status_code == 201


async def test_a_wrong_token_says_what_is_wrong(intake: Intake, outside: Outside) -> None:
    stranger = LocalIssuer(outside.issuer.url).token({"whistle_role": "operator", "whistle_area": COUNTY})
    answer = await intake.http.post("/v1/reports", json=REPORT, headers={"Authorization": f"Bearer {stranger}"})
    assert answer.status_code == 401
    assert "signature" in answer.text


@pytest.mark.parametrize("form", ({"role": "king", "area": COUNTY}, {"role": "desk", "area": "99"}, {"area": COUNTY}))
async def test_the_local_issuer_refuses_what_no_key_could_be(outside: Outside, form: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=outside.issuer.url) as http:
        answer = await http.post("/token", data=form)
    assert answer.status_code == 400
    assert "allowed" in answer.json()["error_description"]
