"""Signed tokens of OpenID Connect issuers: who bears one, judged by the issuer's own published keys.

Keys are found by discovery (OpenID Connect Discovery 1.0), kept, and asked for again when a token names one that is
not known, at most once in a while: an issuer that is away stops nobody whose key is known. Signatures and times are
checked by PyJWT; the algorithms are an allow-list of asymmetric ones, so that ``none`` and a public key used as a
secret never pass.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

import httpx
import jwt
from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from shared.runtime.auth import Forbidden, Principal, TokensAway, Unauthenticated
from shared.runtime.keyfile import must_fit
from shared.vocabulary import Refused, Role

log = logging.getLogger(__name__)

ASYMMETRIC: Final = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
)
MAX_TOKEN: Final = 8192
MAX_DOCUMENT: Final = 256 * 1024
MAX_KEYS: Final = 64
AGAIN_SECONDS: Final = 10.0
"""An issuer is asked for unknown keys at most this often, whoever sends made-up ones."""
FRESH_SECONDS: Final = 3600.0
"""Keys older than this are asked for again; those known go on while the issuer is away."""
FETCH_SECONDS: Final = 3.0
_LOOPBACK: Final = frozenset({"127.0.0.1", "localhost", "::1"})

Fetch = Callable[[str], Awaitable[bytes]]

_List = Annotated[tuple[str, ...], NoDecode]


class OidcSettings(BaseSettings):
    """``WHISTLE_OIDC_*``; without issuers only API keys are good."""

    model_config = SettingsConfigDict(env_prefix="WHISTLE_OIDC_", frozen=True, extra="ignore")

    issuers: _List = ()
    """Issuers whose tokens are good, as their ``iss`` says, separated by commas; https, or http on this machine."""
    audience: str = "whistle"
    """What ``aud`` must name."""
    algorithms: _List = ("RS256", "ES256", "EdDSA")
    leeway_seconds: float = Field(default=30.0, ge=0, le=300)
    """How far the issuer's clock may be from ours."""
    role_claim: str = "whistle_role"
    area_claim: str = "whistle_area"
    department_claim: str = "whistle_department"
    duties_claim: str = "whistle_duties"
    name_claim: str = "name"

    @field_validator("issuers", "algorithms", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return tuple(one.strip() for one in value.split(",") if one.strip()) if isinstance(value, str) else value

    @field_validator("algorithms")
    @classmethod
    def _asymmetric(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        wrong = sorted(set(value) - ASYMMETRIC)
        if wrong or not value:
            raise ValueError(f"{', '.join(wrong) or 'none'}: allowed are {', '.join(sorted(ASYMMETRIC))}")
        return value

    @field_validator("issuers")
    @classmethod
    def _guarded(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            _must_be_guarded(one)
        return value


def tokens_of(settings: OidcSettings) -> Issuers | None:
    """Who vouches for tokens by these settings; None when nobody does."""
    return Issuers(settings) if settings.issuers else None


@dataclass(slots=True, kw_only=True)
class _Known:
    """The keys of one issuer as last heard."""

    keys: Mapping[str, jwt.PyJWK] = field(default_factory=dict)
    heard_at: float = float("-inf")
    asked_at: float = float("-inf")
    failed: bool = False
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class Issuers:
    """See ``auth.Tokens``."""

    def __init__(
        self,
        settings: OidcSettings,
        *,
        fetch: Fetch | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """``fetch`` is an async function from a URL to the document's bytes; it raises OSError when there is none."""
        self._settings = settings
        self._fetch = fetch or fetch_document
        self._monotonic = monotonic
        self._known = {issuer: _Known() for issuer in settings.issuers}

    async def prepare(self, token: str) -> None:
        """See ``auth.Tokens.prepare``; a token that no key could make good is left to ``principal``."""
        try:
            issuer, kid = self._named(token)
        except Unauthenticated:
            return
        known = self._known[issuer]
        if kid in known.keys and self._monotonic() - known.heard_at < FRESH_SECONDS:
            return
        async with known.asking:
            await self._hear(issuer, kid)
        if kid not in known.keys and known.failed:
            raise TokensAway(f"The issuer {issuer} does not answer, and the key of this token is not known yet")

    def principal(self, token: str) -> Principal:
        """See ``auth.Tokens.principal``."""
        issuer, kid = self._named(token)
        key = self._known[issuer].keys.get(kid)
        if key is None:
            raise Unauthenticated("the token is signed by a key that its issuer does not publish")
        try:
            claims = jwt.decode(
                token,
                key=key,
                algorithms=list(self._settings.algorithms),
                audience=self._settings.audience,
                issuer=issuer,
                leeway=self._settings.leeway_seconds,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except jwt.PyJWTError as error:
            raise Unauthenticated(f"the token is not good: {_words(error)}") from error
        return self._as_principal(issuer, claims)

    def _named(self, token: str) -> tuple[str, str]:
        """The issuer and the key id that a token names, before anything of it is believed."""
        if len(token) > MAX_TOKEN:
            raise Unauthenticated(f"the token is longer than {MAX_TOKEN} characters")
        try:
            header = jwt.get_unverified_header(token)
            claims = jwt.decode(token, options={"verify_signature": False, "verify_exp": False})
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise Unauthenticated("the token is no signed token") from error
        if header.get("alg") not in self._settings.algorithms:
            raise Unauthenticated(f"the token's algorithm is none of {', '.join(self._settings.algorithms)}")
        issuer, kid = claims.get("iss"), header.get("kid")
        if not isinstance(issuer, str) or issuer not in self._known:
            raise Unauthenticated("the token's issuer is not trusted here")
        if not isinstance(kid, str):
            raise Unauthenticated("the token names no key (kid)")
        return issuer, kid

    async def _hear(self, issuer: str, kid: str) -> None:
        """Ask the issuer for its keys, unless somebody has just done so; a failure keeps those that are known."""
        known, now = self._known[issuer], self._monotonic()
        fresh = kid in known.keys and now - known.heard_at < FRESH_SECONDS
        if fresh or now - known.asked_at < AGAIN_SECONDS:
            return
        known.asked_at = now
        try:
            known.keys = await self._published(issuer)
        except (OSError, ValueError, httpx.HTTPError, jwt.PyJWTError) as error:
            known.failed = True
            log.warning(
                "the issuer %s gives no keys: %s: %s",
                issuer,
                type(error).__name__,
                error,
                extra={"event.name": "oidc.away"},
            )
        else:
            known.failed, known.heard_at = False, now

    async def _published(self, issuer: str) -> Mapping[str, jwt.PyJWK]:
        document = _object(await self._fetch(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
        if document.get("issuer") != issuer:
            raise ValueError("its discovery document names another issuer")
        address = document.get("jwks_uri")
        if not isinstance(address, str):
            raise ValueError("its discovery document has no jwks_uri")  # noqa: TRY004  wrong content, not a wrong argument
        _must_be_guarded(address)
        listed = _object(await self._fetch(address)).get("keys")
        if not isinstance(listed, list):
            raise ValueError("its key set has no list of keys")  # noqa: TRY004  wrong content, not a wrong argument
        return dict(filter(None, (_usable(one) for one in listed[:MAX_KEYS])))

    def _as_principal(self, issuer: str, claims: Mapping[str, Any]) -> Principal:
        settings = self._settings
        role, area = claims.get(settings.role_claim), claims.get(settings.area_claim)
        department, duties = claims.get(settings.department_claim), claims.get(settings.duties_claim) or ()
        if isinstance(duties, str):
            duties = duties.split()
        try:
            made = Principal(
                key_id=subject_id(issuer, str(claims["sub"])),
                role=Role(str(role)),
                area=str(area),
                department=None if department is None else str(department),
                name=str(claims.get(settings.name_claim) or claims["sub"])[:_MAX_NAME],
                duties=tuple(str(one) for one in duties),
            )
            must_fit(made.role, area=made.area, department=made.department, duties=made.duties)
        except (Refused, ValueError, TypeError) as error:
            raise Forbidden(
                f"the token says too little of what its bearer may: {_said(error)}",
                field="Authorization",
                allowed=[
                    f"{settings.role_claim}: one of {', '.join(Role)}",
                    f"{settings.area_claim}: an area code",
                    f"{settings.department_claim}: a department's id, for the role department alone",
                ],
            ) from error
        return made


def subject_id(issuer: str, subject: str) -> str:
    """The key id of a token's bearer: the same for one person at one issuer, and never that of an API key."""
    return "oidc-" + hashlib.sha256(f"{issuer}\0{subject}".encode()).hexdigest()[:20]


async def fetch_document(url: str) -> bytes:
    """The document at ``url``, at most 256 KiB, within three seconds, no redirects.

    Raises:
        httpx.HTTPError: it cannot be had.
        ValueError: it is too large.
    """
    async with (
        asyncio.timeout(FETCH_SECONDS),
        httpx.AsyncClient(timeout=FETCH_SECONDS, follow_redirects=False, trust_env=False) as http,
        http.stream("GET", url, headers={"accept": "application/json"}) as answer,
    ):
        answer.raise_for_status()
        document = bytearray()
        async for part in answer.aiter_bytes():
            document += part
            if len(document) > MAX_DOCUMENT:
                raise ValueError(f"{url} is larger than {MAX_DOCUMENT} bytes")
        return bytes(document)


_MAX_NAME: Final = 80


def _must_be_guarded(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme == "https" and parts.hostname:
        return
    if parts.scheme == "http" and parts.hostname in _LOOPBACK:
        return
    raise ValueError(f"{url}: allowed is https, or http on this machine")


def _object(document: bytes) -> Mapping[str, Any]:
    found = json.loads(document)
    if not isinstance(found, dict):
        raise ValueError("a document of it is no JSON object")  # noqa: TRY004  wrong content, not a wrong argument
    return found


def _usable(entry: object) -> tuple[str, jwt.PyJWK] | None:
    """A key that can check signatures, under its id; None for what serves something else."""
    if not isinstance(entry, dict) or not isinstance(entry.get("kid"), str) or entry.get("use", "sig") != "sig":
        return None
    if entry.get("kty") not in _KINDS:
        return None
    try:
        return entry["kid"], jwt.PyJWK(entry)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError):
        return None


_KINDS: Final = frozenset({"RSA", "EC", "OKP"})


def _words(error: jwt.PyJWTError) -> str:
    return _WORDS.get(type(error), "its signature or its claims do not hold")


_WORDS: Final[Mapping[type[Exception], str]] = {
    jwt.ExpiredSignatureError: "it has ended",
    jwt.ImmatureSignatureError: "it is not in force yet",
    jwt.InvalidAudienceError: "it is for another audience",
    jwt.InvalidIssuerError: "it is of another issuer",
    jwt.InvalidSignatureError: "its signature does not hold",
    jwt.InvalidAlgorithmError: "its algorithm is not that of its key",
    jwt.MissingRequiredClaimError: "it lacks one of exp, iss, aud and sub",
}


def _said(error: Exception) -> str:
    return error.reason if isinstance(error, Refused) else str(error)
