"""Personal data sealed by Fernet keys; the first encrypts, all of them decrypt."""

from __future__ import annotations

import base64
import hashlib
import hmac
from typing import Final

from cryptography.fernet import Fernet, MultiFernet

_PURPOSE: Final = b"whistle intake fingerprint"


class FernetVault:
    """See ``ports.Vault``."""

    def __init__(self, keys: str) -> None:
        """Take the keys of ``WHISTLE_SECRET_KEY``: a comma list, newest first.

        Raises:
            ValueError: a key is not 32 bytes in URL-safe base64.
        """
        texts = [key.strip() for key in keys.split(",") if key.strip()]
        if not texts:
            raise ValueError("no key in WHISTLE_SECRET_KEY")
        self._fernet = MultiFernet([Fernet(text) for text in texts])
        self._digest_keys = [hmac.digest(base64.urlsafe_b64decode(text), _PURPOSE, hashlib.sha256) for text in texts]

    def seal(self, plain: bytes) -> bytes:
        """See ``ports.Vault.seal``."""
        return self._fernet.encrypt(plain)

    def open(self, sealed: bytes) -> bytes:
        """See ``ports.Vault.open``."""
        return self._fernet.decrypt(sealed)

    def fingerprint(self, plain: bytes) -> bytes:
        """See ``ports.Vault.fingerprint``."""
        return hmac.digest(self._digest_keys[0], plain, hashlib.sha256)

    def matches(self, fingerprint: bytes, plain: bytes) -> bool:
        """See ``ports.Vault.matches``."""
        made = [hmac.digest(key, plain, hashlib.sha256) for key in self._digest_keys]
        return any(hmac.compare_digest(fingerprint, one) for one in made)
