"""Where a webhook may go: https, a public name or address, an allowed port, nothing hidden in the URL.

Guards against server-side request forgery (OWASP SSRF Prevention Cheat Sheet; Standard Webhooks,
"Server side request forgery"). The address that a name leads to is checked again at each connection.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from shared.vocabulary import Refused

Address: TypeAlias = IPv4Address | IPv6Address

LONGEST: Final = 2048


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlRules:
    """What is allowed; ``private`` is for one machine and for tests: http, any port, any address."""

    ports: frozenset[int] = frozenset({443, 8443})
    private: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A checked URL in its parts; ``host`` is in lower case, an IPv6 address without brackets."""

    url: str
    scheme: str
    host: str
    port: int


def endpoint(url: str, rules: UrlRules) -> Endpoint:
    """Read ``url``.

    Raises:
        Refused: naming what is wrong and what is allowed.
    """
    if len(url) > LONGEST or not _VISIBLE.fullmatch(url) or "\\" in url:
        raise _refused("a URL has at most 2048 visible ASCII characters and no backslash")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused(f"this is no URL: {error}") from error
    schemes = ("https", "http") if rules.private else ("https",)
    if parts.scheme not in schemes or not url.lower().startswith(f"{parts.scheme}://"):
        raise _refused(f"the scheme {parts.scheme!r} is not allowed", *(f"{scheme}://" for scheme in schemes))
    if "@" in parts.netloc:
        raise _refused("a URL with a user name or password is not allowed")
    if parts.fragment or "#" in url:
        raise _refused("a URL with a fragment is not allowed")
    port = port if port is not None else _PORTS[parts.scheme]
    if not rules.private and port not in rules.ports:
        raise _refused(f"port {port} is not allowed", *(f"port {allowed}" for allowed in sorted(rules.ports)))
    host = _host(parts.hostname or "", rules)
    return Endpoint(url=url, scheme=parts.scheme, host=host, port=port)


def refuse_address(address: Address, rules: UrlRules) -> None:
    """Pass when a webhook may connect to ``address``.

    Raises:
        Refused: when it is not public.
    """
    if not rules.private and not is_public(address):
        raise _refused(f"{address} is not a public address", "a host on the public internet")


def is_public(address: Address) -> bool:
    """Say whether ``address`` is a unicast address of the public internet (IANA special-purpose registries).

    An IPv6 address that carries an IPv4 one inside (mapped, NAT64, 6to4, Teredo) is refused, for what is
    behind it is decided elsewhere.
    """
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return address in _GLOBAL_6 and not any(address in network for network in _NOT_PUBLIC_6)


_PORTS: Final = {"https": 443, "http": 80}
_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
_NAME: Final = re.compile(r"(?=.{4,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])")
_PRIVATE_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_LOCAL_NAMES: Final = (
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "private",
    "home.arpa",
    "svc",
    "test",
    "invalid",
    "example",
    "onion",
)
_NOT_PUBLIC_4: Final = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_6: Final = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)


def _host(host: str, rules: UrlRules) -> str:
    if not host:
        raise _refused("a URL needs a host")
    literal = _literal(host)
    if literal is not None:
        refuse_address(literal, rules)
        return str(literal)
    name = _PRIVATE_NAME if rules.private else _NAME
    if not name.fullmatch(host):
        raise _refused(f"{host!r} is no host name of the public internet", "a full domain name, in ASCII (punycode)")
    if not rules.private and any(host == local or host.endswith(f".{local}") for local in _LOCAL_NAMES):
        raise _refused(f"{host!r} is a local name", "a host on the public internet")
    return host


def _literal(host: str) -> Address | None:
    """An address when ``host`` is one in its plain form; other spellings of numbers are no names either."""
    if "%" in host:
        raise _refused("an address with a zone is not allowed")
    try:
        return ip_address(host)
    except ValueError:
        return None


def _refused(reason: str, *allowed: str) -> Refused:
    return Refused(reason, field="url", allowed=allowed or ("https://host.example.org/path",))
