"""API keys: who is asking, in which role and for which area.

A key reads ``wk_<key id>_<secret>``; the file holds only the SHA-256 of its secret (32 random bytes, so that no slow
hash is needed). A key may have two live secrets, so that a new one can be handed out before the old one ends.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Protocol

from shared.runtime.clock import utc_now
from shared.runtime.keyfile import Key, KeyFileInvalid, Secret, read_keys
from shared.vocabulary import Refused, Role, covers

log = logging.getLogger(__name__)

HOW_TO_GET_A_KEY: Final = "make one with `whistle keys new`, and send it as `Authorization: Bearer wk_…`"


class Unauthenticated(Refused):
    """Nobody known is asking (401); the reason says what is wrong with the key, ``allowed`` how to mend it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, field="Authorization", allowed=[HOW_TO_GET_A_KEY])


class Forbidden(Refused):
    """The key is good, but not for this (403)."""


class TokensAway(Exception):  # noqa: N818  named for what is the matter
    """Whoever vouches for signed tokens cannot be asked: an outage, not a refusal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who is asking. ``area`` is the scope: the area and everything below it, by prefix."""

    key_id: str
    role: Role
    area: str
    department: str | None
    name: str
    duties: tuple[str, ...] = ()
    """Codes of the categories that the bearer has to do with, each with what lies below it; none: all."""

    def holds(self, area: str) -> bool:
        """Say whether ``area`` lies in this key's scope."""
        return covers(self.area, area)

    def must_hold(self, area: str, *, field: str = "area") -> None:
        """Pass when ``area`` lies in the scope.

        Raises:
            Forbidden: otherwise, naming the scope that the key has.
        """
        if not self.holds(area):
            raise Forbidden(
                f"key {self.key_id} ({self.name}) is for area {self.area}, not for {area}",
                field=field,
                allowed=[f"{self.area} and what lies below it"],
            )

    def must_be(self, *roles: Role) -> None:
        """Pass when the key has one of ``roles``.

        Raises:
            Forbidden: otherwise, naming the roles that may.
        """
        if self.role not in roles:
            raise Forbidden(
                f"key {self.key_id} ({self.name}) has the role {self.role}, which may not do this",
                field="Authorization",
                allowed=[f"a key with the role {role}" for role in roles],
            )


class Tokens(Protocol):
    """Who somebody else than the key file vouches for: the bearer of a signed token."""

    async def prepare(self, token: str) -> None:
        """Have what is needed to judge ``token``; nothing when it is there already.

        Raises:
            TokensAway: whoever vouches for it cannot be asked.
        """

    def principal(self, token: str) -> Principal:
        """Who bears ``token``.

        Raises:
            Unauthenticated: it is not good; says what is wrong with it.
            Forbidden: it is good and says too little of what its bearer may.
        """


class KeyRing:
    """The keys in force, read again when their file changes, and who ``tokens`` vouches for.

    A file that cannot be read leaves the old keys in force.
    """

    def __init__(
        self,
        keys: Sequence[Key],
        *,
        path: Path | None = None,
        clock: Callable[[], datetime] = utc_now,
        tokens: Tokens | None = None,
    ) -> None:
        self._tokens = tokens
        self._keys = _known(keys)
        self._path = path
        self._clock = clock
        self._stamp = _stamp(path) if path else None
        self._looked_at = time.monotonic()

    @classmethod
    def load(
        cls, path: Path | str, *, clock: Callable[[], datetime] = utc_now, tokens: Tokens | None = None
    ) -> KeyRing:
        """Read the keys of ``path``.

        Raises:
            KeyFileInvalid: when the file is missing or wrong; names file, entry, field and what is allowed.
        """
        return cls(read_keys(Path(path)), path=Path(path), clock=clock, tokens=tokens)

    def __len__(self) -> int:
        return len(self._keys)

    async def prepare(self, authorization: str | None) -> None:
        """Have what ``authenticate`` needs for a signed token; nothing for a key.

        Raises:
            TokensAway: whoever vouches for the token cannot be asked.
        """
        token = self._signed(authorization)
        if token is not None and self._tokens is not None:
            await self._tokens.prepare(token)

    def authenticate(self, authorization: str | None) -> Principal:
        """Return who sends ``Authorization: Bearer wk_<key id>_<secret>``, or a signed token after ``prepare``.

        Raises:
            Unauthenticated: when there is no such live key. Unknown key and wrong secret get one answer.
            Forbidden: a good token that says too little.
        """
        token = self._signed(authorization)
        if token is not None and self._tokens is not None:
            return self._tokens.principal(token)
        self._reload_when_changed()
        key_id, secret = _parts(authorization)
        known, bearer = self._keys.get(key_id, (_NOBODY, None))
        given = digest_of(secret)
        # An unknown key costs the same comparison as a known one, so that time tells nothing about which ids exist.
        matching = [one for one in known if hmac.compare_digest(one.sha256, given)]
        if bearer is None or not matching:
            raise Unauthenticated("this key is not known here")
        ends = [one.expires_at for one in matching if one.expires_at is not None]
        if len(ends) == len(matching) and (ended := max(ends)) <= self._clock():
            raise Unauthenticated(f"key {key_id} ended at {ended.isoformat(timespec='seconds')}")
        return bearer

    def _signed(self, authorization: str | None) -> str | None:
        """The token of the header when it reads like a signed one and somebody vouches for such."""
        if self._tokens is None or authorization is None:
            return None
        scheme, _, token = authorization.strip().partition(" ")
        token = token.strip()
        return token if scheme.lower() == "bearer" and token.count(".") == 2 else None  # noqa: PLR2004  three parts

    def _reload_when_changed(self) -> None:
        """Look at the file's stamp at most once a second; a stat is cheap, a parse is not."""
        if self._path is None or time.monotonic() - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = time.monotonic()
        stamp = _stamp(self._path)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._keys = _known(read_keys(self._path))
        except KeyFileInvalid:
            log.exception("the old keys stay in force", extra={"event.name": "keys.refused"})
        else:
            log.info("%d keys are in force", len(self._keys), extra={"event.name": "keys.loaded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key just made: ``token`` is shown once to its bearer, ``key`` goes into the file."""

    token: str
    key: Key


def new_key(  # noqa: PLR0913  each is one field of the file
    *,
    role: Role,
    area: str,
    name: str,
    department: str | None = None,
    duties: Sequence[str] = (),
    key_id: str | None = None,
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> NewKey:
    """Make a key; the secret has 32 random bytes and exists only in the returned token.

    Raises:
        Refused: when role, area and department do not fit together; names the field.
    """
    key_id = key_id or secrets.token_hex(4)
    token, secret = _new_secret(key_id, now=now or utc_now(), expires_at=expires_at)
    key = Key(
        id=key_id,
        name=name,
        role=role,
        area=area,
        department=department,
        duties=tuple(duties),
        secrets=(secret,),
    )
    return NewKey(token=token, key=key)


def rotated(key: Key, *, now: datetime, grace: timedelta, expires_at: datetime | None = None) -> NewKey:
    """Give ``key`` a second secret; the newest old one goes on for ``grace``, older ones end now."""
    token, secret = _new_secret(key.id, now=now, expires_at=expires_at)
    ending = replace(key.secrets[-1], expires_at=_earlier(key.secrets[-1].expires_at, now + grace))
    return NewKey(token=token, key=replace(key, secrets=(ending, secret)))


def digest_of(secret: str) -> str:
    """The SHA-256 of ``secret``, as the file holds it."""
    return hashlib.sha256(secret.encode()).hexdigest()


_PREFIX: Final = "wk"
_LOOK_SECONDS: Final = 1.0
_MAX_TOKEN: Final = 200
_NOBODY: Final = (Secret(sha256=digest_of(secrets.token_urlsafe(32)), created_at=None, expires_at=None),)


def _known(keys: Iterable[Key]) -> dict[str, tuple[tuple[Secret, ...], Principal]]:
    """By its id each key's secrets and who bears it, made once and not for each request."""
    return {
        key.id: (
            tuple(key.secrets),
            Principal(
                key_id=key.id,
                role=key.role,
                area=key.area,
                department=key.department,
                name=key.name,
                duties=key.duties,
            ),
        )
        for key in keys
    }


def _parts(authorization: str | None) -> tuple[str, str]:
    if not authorization:
        raise Unauthenticated("the request has no key")
    scheme, _, token = authorization.strip().partition(" ")
    parts = token.strip().split("_", 2)
    if scheme.lower() != "bearer" or len(parts) != 3 or parts[0] != _PREFIX or len(token) > _MAX_TOKEN:  # noqa: PLR2004
        raise Unauthenticated("the header Authorization does not read `Bearer wk_<key id>_<secret>`")
    return parts[1], parts[2]


def _new_secret(key_id: str, *, now: datetime, expires_at: datetime | None) -> tuple[str, Secret]:
    secret = secrets.token_urlsafe(32)
    return f"{_PREFIX}_{key_id}_{secret}", Secret(sha256=digest_of(secret), created_at=now, expires_at=expires_at)


def _earlier(one: datetime | None, other: datetime) -> datetime:
    return other if one is None else min(one, other)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
