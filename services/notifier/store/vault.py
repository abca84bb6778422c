"""Secrets sealed by Fernet keys: the first encrypts, all of them decrypt, so that keys can be rotated."""

from __future__ import annotations

from cryptography.fernet import Fernet, MultiFernet


class Vault:
    """Seals and opens webhook secrets."""

    def __init__(self, keys: str) -> None:
        """Take ``WHISTLE_SECRET_KEY``: a comma list, newest first.

        Raises:
            ValueError: there is no key, or one is not 32 bytes in URL-safe base64.
        """
        texts = [key.strip() for key in keys.split(",") if key.strip()]
        if not texts:
            raise ValueError("WHISTLE_SECRET_KEY holds no key; make one with cryptography's Fernet.generate_key()")
        self._fernet = MultiFernet([Fernet(text) for text in texts])

    def seal(self, text: str) -> bytes:
        """Encrypt."""
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Decrypt.

        Raises:
            cryptography.fernet.InvalidToken: none of the keys sealed it.
        """
        return self._fernet.decrypt(sealed).decode()
