"""A signed token reads and listens at the notifier as a key does, for as long as it is good."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

from deploy.local.issuer import LocalIssuer
from shared.runtime.clock import utc_now
from shared.runtime.oidc import Issuers, OidcSettings
from tests.fakes.small_county import COUNTY
from tests.integration.notifier.harness import House

URL = "http://127.0.0.1:1"
CLAIMS = {"sub": "u", "name": "县台", "whistle_role": "desk", "whistle_area": COUNTY}


def trusting(notifier: House) -> LocalIssuer:
    """Have the notifier trust an issuer, whose documents come without a network."""
    issuer = LocalIssuer(URL)

    async def fetch(url: str) -> bytes:
        return json.dumps(issuer.key_set() if url.endswith("jwks") else issuer.discovery()).encode()

    notifier.keyring._tokens = Issuers(OidcSettings.model_validate({"issuers": URL, "leeway_seconds": 0}), fetch=fetch)
    return issuer


def header(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_a_token_reads_and_a_bad_one_does_not(notifier: House) -> None:
    issuer = trusting(notifier)
    good = await notifier.client.get("/v1/cases", headers=header(issuer.token(CLAIMS)))
    assert good.status_code == 200, good.text
    ended = issuer.token({**CLAIMS, "exp": utc_now() - timedelta(seconds=1)})
    assert (await notifier.client.get("/v1/cases", headers=header(ended))).status_code == 401
    nobody = issuer.token({**CLAIMS, "whistle_role": "king"})
    assert (await notifier.client.get("/v1/cases", headers=header(nobody))).status_code == 403


async def test_a_stream_ends_with_the_token_that_opened_it(notifier: House) -> None:
    issuer = trusting(notifier)
    token = issuer.token(CLAIMS, life=timedelta(seconds=2))
    async with asyncio.timeout(30), notifier.client.stream("GET", "/v1/stream", headers=header(token)) as stream:
        assert stream.status_code == 200
        async for _ in stream.aiter_bytes():
            """Read to the end, which comes by itself."""
