"""How this process proves itself to Kafka: by a client certificate when its environment names one, else not at all.

``WHISTLE_KAFKA_CA_FILE`` names the authority of the brokers; ``WHISTLE_KAFKA_CERT_FILE`` and
``WHISTLE_KAFKA_KEY_FILE`` our own certificate and key. All are PEM, and read when a client is made:
a renewed certificate counts from the next start. Without the first one the connection is plain,
which only a loopback or a closed network bears.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping
from typing import Any, Final

AUTHORITY: Final = "WHISTLE_KAFKA_CA_FILE"
CERTIFICATE: Final = "WHISTLE_KAFKA_CERT_FILE"
KEY: Final = "WHISTLE_KAFKA_KEY_FILE"


class TlsMisconfigured(Exception):  # noqa: N818  named for what is wrong
    """The environment names certificates that do not fit together; the text says which setting to mend."""


def kafka_tls(environment: Mapping[str, str] | None = None) -> ssl.SSLContext | None:
    """Return the context for every connection to Kafka, None for plain ones.

    Raises: TlsMisconfigured when a file is missing, unreadable or named alone.
    """
    found = os.environ if environment is None else environment
    authority, certificate, key = (found.get(name) for name in (AUTHORITY, CERTIFICATE, KEY))
    if not authority:
        if certificate or key:
            raise TlsMisconfigured(f"{CERTIFICATE} and {KEY} need {AUTHORITY}: no certificate on a plain connection")
        return None
    if bool(certificate) is not bool(key):
        raise TlsMisconfigured(f"{CERTIFICATE} and {KEY} go together; one of them is not set")
    return _context(authority, certificate, key)


def client_security() -> dict[str, Any]:
    """Return what every aiokafka client is given beside its own options: ``{}`` for plain connections."""
    context = kafka_tls()
    return {} if context is None else {"security_protocol": "SSL", "ssl_context": context}


def _context(authority: str, certificate: str | None, key: str | None) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=authority)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if certificate and key:
            context.load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        names = ", ".join(filter(None, (authority, certificate, key)))
        raise TlsMisconfigured(f"Kafka's certificates cannot be read ({names}): {error}") from error
    return context
