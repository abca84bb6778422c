"""How often a key, a source and an address may ask; beyond it 429 with the seconds to wait.

Counted in this process alone: with n replicas a caller that reaches all of them has n times as much. The strategy
is that of the library ``limits``; what it counts in is bounded here, so that made-up addresses cost no memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from fastapi import Request
from limits import RateLimitItem, parse
from limits.strategies import SlidingWindowCounterRateLimiter

from shared.runtime.clock import utc_now
from shared.runtime.counting import BoundedMemory, one_subscriber
from shared.runtime.origin import address_of
from shared.runtime.problem import FieldError, Problem
from shared.vocabulary import county_of

OFF: Final = "off"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How many requests, as ``60/minute``; ``off`` is no limit."""

    key: str = "1000/second"
    """Of one API key."""
    source: str = "2000/second"
    """Of one source (hotline, sensor, …) of one county, whatever its keys."""
    address: str = "30/minute"
    """Of one client address at the public door, where nobody shows a key."""


def _unheard(_by: str) -> None:
    """Nobody counts."""


@dataclass(slots=True, kw_only=True)
class RateLimits:
    """The limits of this process; ``told`` hears what was hit: key, source or address."""

    rates: Rates = field(default_factory=Rates)
    proxies: int = 0
    """Proxies of ours in front, each of which adds whom it saw to ``X-Forwarded-For``; 0 believes no header."""
    told: Callable[[str], None] = _unheard
    _counts: BoundedMemory = field(init=False, default_factory=BoundedMemory)
    _key: Callable[..., str] = field(init=False)
    _limiter: SlidingWindowCounterRateLimiter = field(init=False)
    _items: dict[str, RateLimitItem | None] = field(init=False)

    def __post_init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(self._counts)
        named = {"key": self.rates.key, "source": self.rates.source, "address": self.rates.address}
        self._items = {by: parsed(text) for by, text in named.items()}
        self._key = lru_cache(maxsize=4096)(self._named)

    def take_key(self, key_id: str) -> None:
        """Count one request of a key.

        Raises:
            Problem: 429, when it has had as many as it may.
        """
        self._take("key", key_id)

    def take_source(self, area: str, source: str) -> None:
        """Count one report of a source of the county that holds ``area``.

        Raises:
            Problem: 429, when it has had as many as it may.
        """
        self._take("source", county_of(area), source)

    def take_address(self, request: Request) -> None:
        """Count one request of whoever sits at the other end of the line.

        Raises:
            Problem: 429, when there were as many as may be.
        """
        self._take("address", self.address_of(request))

    def address_of(self, request: Request) -> str:
        """Whom a request comes from: the peer, or behind ``proxies`` of ours whom the outermost of them saw."""
        return one_subscriber(address_of(request.scope, self.proxies))

    def _named(self, by: str, *who: str) -> str:
        item = self._items[by]
        return "" if item is None else item.key_for(by, *who)

    def _take(self, by: str, *who: str) -> None:
        item = self._items[by]
        # What the limiter's own `hit` does, without the layers between: it is asked twice for each report.
        if item is None or self._counts.take(self._key(by, *who), item.amount, item.get_expiry()):
            return
        self.told(by)
        stats = self._limiter.get_window_stats(item, by, *who)
        raise _too_many(by, item, max(1, math.ceil(stats.reset_time - utc_now().timestamp())))


async def limited_by_address(request: Request) -> None:
    """A dependency for the public door; see ``RateLimits.take_address``."""
    limits_of(request).take_address(request)


def limits_of(request: Request) -> RateLimits:
    """The limits that hang on the app."""
    limits: RateLimits = request.app.state.limits
    return limits


def parsed(text: str) -> RateLimitItem | None:
    """The limit that ``text`` says, None for ``off``.

    Raises:
        ValueError: it is neither ``off`` nor a number a second, minute, hour or day.
    """
    if text.strip().lower() == OFF:
        return None
    try:
        return parse(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no rate: write it as 60/minute, or {OFF}") from error


_WHO: Final = {"key": "This key", "source": "This source", "address": "This address"}


def _too_many(by: str, item: RateLimitItem, seconds: int) -> Problem:
    allowed = f"{item.amount} a {item.GRANULARITY.name}" if item.multiples == 1 else str(item)
    return Problem(
        429,
        "too-many-requests",
        "Too many requests",
        detail=f"{_WHO[by]} asks too often. Send the same request again in {seconds} s.",
        errors=[FieldError(field="/", problem=f"more requests of one {by} than may be", allowed=[allowed])],
        headers={"Retry-After": str(seconds)},
    )
