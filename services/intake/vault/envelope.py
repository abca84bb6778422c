"""Personal data sealed by data keys (AES-256-GCM); the keys of ``WHISTLE_SECRET_KEY`` wrap those (Fernet).

A sealed row reads: 1, the data key's id (16 bytes), a random nonce (12), the ciphertext with its tag. It is bound to
the report that it is about, so that nobody can put one person's row in the place of another's. Rows from before there
were data keys are Fernet tokens and stay readable. Where a county has no data key yet, for a moment after its playbook
came, a row is sealed by the wrapping key itself and sealed anew later.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Final
from uuid import UUID, uuid4

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from services.intake.domain.reports.persons import phone_digits
from services.intake.vault.keys import PERSON, SEAL, DataKey
from shared.vocabulary import Refused

if TYPE_CHECKING:
    from services.intake.vault.keys import DataKeyBook

KEY_LIFE: Final = timedelta(days=30)
"""A county's data key seals so long; then it gets a new one. At 96 random bits a nonce, far from a repeat."""
KEYS_KEPT: Final = 4096
KEYS_A_ROUND: Final = 1000
_MARK: Final = b"\x01"
_ID_ENDS: Final = 17
_NONCE_ENDS: Final = 29
_NONCE_BYTES: Final = _NONCE_ENDS - _ID_ENDS
_OF_FINGERPRINTS: Final = b"whistle intake fingerprint"
_OF_HIDDEN: Final = b"whistle intake hidden in answers"
_OF_PERSONS: Final = b"whistle intake person"
_NAME_OF_KEY: Final = b"whistle name of a wrapping key"


class Unreadable(Refused):
    """What was sealed opens with no key in force, or is about another report."""


class EnvelopeVault:
    """See ``ports.Vault`` and ``custody.PersonVault``; without a book of data keys the wrapping keys seal."""

    def __init__(
        self, keys: str, *, book: DataKeyBook | None = None, wanted: Callable[[], None] = lambda: None
    ) -> None:
        """Take the keys of ``WHISTLE_SECRET_KEY``: a comma list, newest first.

        ``wanted`` is called when a county without a data key had something sealed.

        Raises:
            ValueError: a key is not 32 bytes in URL-safe base64.
        """
        texts = [key.strip() for key in keys.split(",") if key.strip()]
        if not texts:
            raise ValueError("no key in WHISTLE_SECRET_KEY")
        self._fernet = MultiFernet([Fernet(text) for text in texts])
        raw = [base64.urlsafe_b64decode(text) for text in texts]
        self._digest_keys = [hmac.digest(key, _OF_FINGERPRINTS, hashlib.sha256) for key in raw]
        self.wrapped_by = hmac.digest(raw[0], _NAME_OF_KEY, hashlib.sha256).hex()[:16]
        self._book = book
        self._wanted = wanted
        self._person_key: bytes | None = None
        self._opened: dict[UUID, AESGCM] = {}
        self._current: dict[str, tuple[UUID, AESGCM]] = {}
        self._missed: set[str] = set()

    def seal(self, plain: bytes, *, county: str, about: UUID) -> bytes:
        """See ``ports.Vault.seal``."""
        found = self._current.get(county)
        if found is None:
            if self._book is not None:
                self._missed.add(county)
                self._wanted()
            return self._fernet.encrypt(plain)
        key_id, cipher = found
        nonce = os.urandom(_NONCE_BYTES)
        head = _MARK + key_id.bytes
        return head + nonce + cipher.encrypt(nonce, plain, head + about.bytes)

    async def read(self, sealed: bytes, *, about: UUID) -> bytes:
        """See ``custody.PersonVault.read``."""
        if not sealed.startswith(_MARK):
            return self._unwrapped(sealed)
        cipher = await self._cipher(UUID(bytes=sealed[1:_ID_ENDS]))
        nonce, rest = sealed[_ID_ENDS:_NONCE_ENDS], sealed[_NONCE_ENDS:]
        try:
            return cipher.decrypt(nonce, rest, sealed[:_ID_ENDS] + about.bytes)
        except (InvalidTag, ValueError) as error:
            raise Unreadable("what was sealed was changed, or is about another report") from error

    def fingerprint(self, plain: bytes) -> bytes:
        """See ``ports.Vault.fingerprint``; by a key that stays when the wrapping keys are changed."""
        return hmac.digest(self._fingerprint_keys()[0], plain, hashlib.sha256)

    def matches(self, fingerprint: bytes, plain: bytes) -> bool:
        """See ``ports.Vault.matches``."""
        made = [hmac.digest(key, plain, hashlib.sha256) for key in self._fingerprint_keys()]
        return any(hmac.compare_digest(fingerprint, one) for one in made)

    def hide(self, text: str, *, about: bytes) -> str:
        """See ``ports.Vault.hide``; by a key made of the one that makes fingerprints."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + _hider(self._fingerprint_keys()[0]).encrypt(nonce, text.encode(), about)
        return base64.urlsafe_b64encode(sealed).decode()

    def uncover(self, hidden: str, *, about: bytes) -> str:
        """See ``ports.Vault.uncover``."""
        for key in self._fingerprint_keys():
            with suppress(InvalidTag, ValueError):
                sealed = base64.urlsafe_b64decode(hidden)
                plain = _hider(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], about)
                return plain.decode()
        raise Unreadable("no key of WHISTLE_SECRET_KEY opens this answer", allowed=["the key that sealed it"])

    def person(self, phone: str) -> bytes | None:
        """See ``ports.Vault.person``."""
        digits = phone_digits(phone)
        key = self._person_key or self._digest_keys[0]
        return hmac.digest(key, _OF_PERSONS + digits.encode(), hashlib.sha256) if digits else None

    async def keep(self, counties: Collection[str], *, now: datetime) -> int:
        """Have a young data key for each county, and the key of persons; how many keys were made.

        Raises:
            Unreadable: a key is wrapped by one that is not in ``WHISTLE_SECRET_KEY``.
        """
        if self._book is None:
            return 0
        wanted, young = {*counties, *self._missed}, now - KEY_LIFE
        found = await self._book.newest(wanted)
        fresh = {key.county for key in found if key.use == SEAL and key.made_at > young}
        missing = [self._made(county, SEAL, now) for county in sorted(wanted - fresh)]
        if not any(key.use == PERSON for key in found):
            missing.append(self._made("", PERSON, now))
        if missing:
            await self._book.make(missing, unless_after=young)
            found = await self._book.newest(wanted)
        for key in found:
            self._take(key)
        self._missed -= wanted
        return len(missing)

    async def rewrap(self) -> Mapping[str, int]:
        """See ``custody.PersonVault.rewrap``; at most 1000 a call."""
        if self._book is None:
            return {"rewrapped": 0, "left": 0}
        keys = await self._book.wrapped_otherwise(self.wrapped_by, most=KEYS_A_ROUND)
        done = 0
        for key in keys:
            try:
                wrapped = self._fernet.encrypt(self._unwrapped(key.wrapped))
            except Unreadable:
                continue
            await self._book.rewrap(key, wrapped, self.wrapped_by)
            done += 1
        left = await self._book.wrapped_otherwise(self.wrapped_by, most=KEYS_A_ROUND)
        return {"rewrapped": done, "left": len(left)}

    def _fingerprint_keys(self) -> list[bytes]:
        """The newest first; answers from before there was a key of persons were made by the wrapping keys."""
        if self._person_key is None:
            return self._digest_keys
        return [hmac.digest(self._person_key, _OF_FINGERPRINTS, hashlib.sha256), *self._digest_keys]

    def _made(self, county: str, use: str, now: datetime) -> DataKey:
        wrapped = self._fernet.encrypt(AESGCM.generate_key(bit_length=256))
        return DataKey(key_id=uuid4(), county=county, use=use, made_at=now, wrapped=wrapped, wrapped_by=self.wrapped_by)

    def _take(self, key: DataKey) -> None:
        if key.use == PERSON:
            self._person_key = self._person_key or self._unwrapped(key.wrapped)
            return
        current = self._current.get(key.county)
        if current is None or current[0] != key.key_id:
            self._current[key.county] = (key.key_id, self._kept(key))

    async def _cipher(self, key_id: UUID) -> AESGCM:
        known = self._opened.get(key_id)
        if known is not None:
            return known
        found = None if self._book is None else await self._book.key(key_id)
        if found is None:
            raise Unreadable("the data key that sealed this is gone")
        return self._kept(found)

    def _kept(self, key: DataKey) -> AESGCM:
        cipher = self._opened[key.key_id] = AESGCM(self._unwrapped(key.wrapped))
        if len(self._opened) > KEYS_KEPT:
            del self._opened[next(iter(self._opened))]
        return cipher

    def _unwrapped(self, wrapped: bytes) -> bytes:
        try:
            return self._fernet.decrypt(wrapped)
        except InvalidToken as error:
            raise Unreadable("no key of WHISTLE_SECRET_KEY opens this", allowed=["the key that sealed it"]) from error


@lru_cache(maxsize=16)
def _hider(key: bytes) -> AESGCM:
    return AESGCM(hmac.digest(key, _OF_HIDDEN, hashlib.sha256))
