"""A signed token is good by its issuer's published keys, and by nothing else."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Mapping
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from deploy.local.issuer import LocalIssuer
from shared.runtime.auth import Forbidden, KeyRing, Principal, TokensAway, Unauthenticated, new_key
from shared.runtime.clock import utc_now
from shared.runtime.oidc import AGAIN_SECONDS, FRESH_SECONDS, MAX_TOKEN, Issuers, OidcSettings, subject_id, tokens_of
from shared.vocabulary import Role

URL = "http://127.0.0.1:8090"
CLAIMS = {"sub": "u-1", "name": "王主任", "whistle_role": "desk", "whistle_area": "990101001"}


def part(value: object) -> str:
    """A part of a token as JOSE writes it."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


class Web:
    """The issuer as the network shows it; counts what is asked, and may be away."""

    def __init__(self, issuer: LocalIssuer) -> None:
        self.issuer = issuer
        self.asked = 0
        self.away = False
        self.changed: Mapping[str, object] = {}

    async def __call__(self, url: str) -> bytes:
        self.asked += 1
        if self.away:
            raise ConnectionRefusedError("away")
        if url.endswith("openid-configuration"):
            return json.dumps({**self.issuer.discovery(), **self.changed}).encode()
        return json.dumps(self.issuer.key_set()).encode()


class Watch:
    """A monotonic clock that is told what it shows."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class World:
    """An issuer, the network before it, and a service that trusts it."""

    def __init__(self, **changes: object) -> None:
        self.issuer = LocalIssuer(URL)
        self.web, self.watch = Web(self.issuer), Watch()
        settings = OidcSettings.model_validate({"issuers": URL, **changes})
        self.ring = KeyRing([], tokens=Issuers(settings, fetch=self.web, monotonic=self.watch))

    async def ask(self, token: str) -> Principal:
        header = f"Bearer {token}"
        await self.ring.prepare(header)
        return self.ring.authenticate(header)


async def test_a_good_token_names_its_bearer() -> None:
    world = World()
    made = world.issuer.token({**CLAIMS, "whistle_duties": ["A.01", "B"]})
    assert await world.ask(made) == Principal(
        key_id=subject_id(URL, "u-1"),
        role=Role.DESK,
        area="990101001",
        department=None,
        name="王主任",
        duties=("A.01", "B"),
    )


async def test_keys_are_asked_for_once() -> None:
    world = World()
    for _ in range(5):
        await world.ask(world.issuer.token(CLAIMS))
    assert world.web.asked == 2  # discovery and key set


async def test_a_new_key_of_the_issuer_is_found() -> None:
    world = World()
    await world.ask(world.issuer.token(CLAIMS))
    world.issuer.turn_over()
    world.watch.seconds += AGAIN_SECONDS
    assert (await world.ask(world.issuer.token(CLAIMS))).area == "990101001"


async def test_made_up_key_ids_do_not_make_us_ask_the_issuer_each_time() -> None:
    world = World()
    await world.ask(world.issuer.token(CLAIMS))
    before = world.web.asked
    world.watch.seconds += AGAIN_SECONDS
    for number in range(50):
        world.issuer.kid = f"made-up-{number}"
        with pytest.raises(Unauthenticated, match="does not publish"):
            await world.ask(jwt.encode({**CLAIMS, "iss": URL}, world.issuer.key, "ES256", {"kid": f"x{number}"}))
    assert world.web.asked == before + 2


async def test_known_keys_go_on_while_the_issuer_is_away() -> None:
    world = World()
    token = world.issuer.token(CLAIMS)
    await world.ask(token)
    world.web.away = True
    world.watch.seconds += FRESH_SECONDS + 1
    assert (await world.ask(token)).area == "990101001"


async def test_an_unknown_key_of_an_issuer_that_is_away_is_an_outage_and_no_refusal() -> None:
    world = World()
    world.web.away = True
    for _ in range(2):
        with pytest.raises(TokensAway, match="does not answer"):
            await world.ask(world.issuer.token(CLAIMS))
    assert world.web.asked == 1
    world.web.away = False
    world.watch.seconds += AGAIN_SECONDS
    assert (await world.ask(world.issuer.token(CLAIMS))).role is Role.DESK


async def test_a_discovery_document_of_another_issuer_gives_no_keys() -> None:
    world = World()
    world.web.changed = {"issuer": "https://elsewhere.example.org"}
    with pytest.raises(TokensAway):
        await world.ask(world.issuer.token(CLAIMS))


async def test_keys_are_never_fetched_over_an_open_line() -> None:
    world = World()
    world.web.changed = {"jwks_uri": "http://elsewhere.example.org/jwks"}
    with pytest.raises(TokensAway):
        await world.ask(world.issuer.token(CLAIMS))
    assert world.web.asked == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    (
        ({"exp": utc_now() - timedelta(minutes=5)}, "it has ended"),
        ({"nbf": utc_now() + timedelta(hours=12)}, "not in force yet"),
        ({"aud": "another"}, "another audience"),
        ({"iss": "https://elsewhere.example.org"}, "not trusted here"),
        ({"sub": None}, "lacks|do not hold"),
    ),
)
async def test_a_token_that_is_not_good_is_refused_with_what_is_wrong(changes: dict[str, object], words: str) -> None:
    world = World()
    with pytest.raises(Unauthenticated, match=words):
        await world.ask(world.issuer.token({**CLAIMS, **changes}))


async def test_the_issuers_clock_may_be_a_little_off() -> None:
    world = World()
    late = world.issuer.token({**CLAIMS, "exp": utc_now() - timedelta(seconds=10)})
    assert (await world.ask(late)).area == "990101001"


async def test_a_token_signed_by_nobody_is_refused() -> None:
    world = World()
    await world.ask(world.issuer.token(CLAIMS))
    claims = {**CLAIMS, "iss": URL, "aud": "whistle", "exp": 2**33}
    header, payload = map(part, ({"alg": "none", "kid": world.issuer.kid}, claims))
    for signature in ("", "AAAA"):
        with pytest.raises(Unauthenticated, match="algorithm"):
            await world.ask(f"{header}.{payload}.{signature}")


async def test_the_public_key_is_no_secret_to_sign_with() -> None:
    world = World()
    await world.ask(world.issuer.token(CLAIMS))
    public = world.issuer.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = {**CLAIMS, "iss": URL, "aud": "whistle", "exp": 2**33}
    signed = ".".join(map(part, ({"alg": "HS256", "kid": world.issuer.kid}, claims)))
    # By hand: PyJWT itself refuses to sign with a public key.
    forged = base64.urlsafe_b64encode(hmac.digest(public, signed.encode(), "sha256")).rstrip(b"=").decode()
    with pytest.raises(Unauthenticated, match="algorithm"):
        await world.ask(f"{signed}.{forged}")


async def test_another_key_under_a_known_id_is_refused() -> None:
    world = World()
    await world.ask(world.issuer.token(CLAIMS))
    forged = jwt.encode(
        {**CLAIMS, "iss": URL, "aud": "whistle", "exp": 2**33},
        ec.generate_private_key(ec.SECP256R1()),
        "ES256",
        {"kid": world.issuer.kid},
    )
    with pytest.raises(Unauthenticated, match="signature does not hold"):
        await world.ask(forged)


async def test_a_token_of_any_length_is_answered() -> None:
    world = World()
    with pytest.raises(Unauthenticated, match=str(MAX_TOKEN)):
        await world.ask(world.issuer.token({**CLAIMS, "x": "x" * MAX_TOKEN}))


@pytest.mark.parametrize(
    "changes",
    (
        {"whistle_role": "king"},
        {"whistle_role": None},
        {"whistle_area": "99"},
        {"whistle_area": None},
        {"whistle_role": "department"},
        {"whistle_department": "water"},
        {"whistle_role": "grid_worker", "whistle_area": "990101"},
        {"whistle_duties": ["no such thing"]},
        {"whistle_duties": 7},
    ),
)
async def test_a_good_token_that_says_too_little_names_the_claims(changes: dict[str, object]) -> None:
    world = World()
    with pytest.raises(Forbidden) as caught:
        await world.ask(world.issuer.token({**CLAIMS, **changes}))
    assert any("whistle_role" in one for one in caught.value.allowed)


async def test_claims_may_have_other_names() -> None:
    world = World(role_claim="role", area_claim="org")
    made = await world.ask(world.issuer.token({"sub": "u", "role": "auditor", "org": "990101"}))
    assert (made.role, made.area) == (Role.AUDITOR, "990101")


async def test_api_keys_stay_good_beside_tokens() -> None:
    made = new_key(role=Role.DESK, area="990101", name="台")
    ring = KeyRing([made.key], tokens=Issuers(OidcSettings.model_validate({"issuers": URL})))
    await ring.prepare(f"Bearer {made.token}")
    assert ring.authenticate(f"Bearer {made.token}").key_id == made.key.id


async def test_without_issuers_a_token_is_no_key() -> None:
    assert tokens_of(OidcSettings()) is None
    ring = KeyRing([], tokens=None)
    header = f"Bearer {LocalIssuer(URL).token(CLAIMS)}"
    await ring.prepare(header)
    with pytest.raises(Unauthenticated):
        ring.authenticate(header)


@pytest.mark.parametrize(
    "wrong",
    (
        {"issuers": "http://elsewhere.example.org"},
        {"issuers": "ftp://127.0.0.1"},
        {"algorithms": "HS256"},
        {"algorithms": "none"},
        {"algorithms": ""},
        {"leeway_seconds": 3600},
    ),
)
def test_settings_that_would_let_anybody_in_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        OidcSettings.model_validate(wrong)


@settings(max_examples=300)
@given(st.one_of(st.text(max_size=200), st.from_regex(r"[A-Za-z0-9_=-]{0,80}\.[A-Za-z0-9_=-]{0,80}\.[A-Za-z0-9_=-]*")))
def test_no_header_whatever_ends_in_anything_but_an_answer(text: str) -> None:
    ring = KeyRing([], tokens=Issuers(OidcSettings.model_validate({"issuers": URL})))
    with pytest.raises((Unauthenticated, Forbidden)):
        ring.authenticate(f"Bearer {text}")


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5))
def test_a_header_of_any_json_is_answered(value: object) -> None:
    parts = map(part, ({"alg": value, "kid": value}, {"iss": value, "aud": value, "exp": value}))
    ring = KeyRing([], tokens=Issuers(OidcSettings.model_validate({"issuers": URL})))
    with pytest.raises(Unauthenticated):
        ring.authenticate(f"Bearer {'.'.join(parts)}.AAAA")
