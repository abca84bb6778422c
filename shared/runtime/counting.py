"""Counts for rate limits in a bounded dict: no thread, no growth.

The memory storage of ``limits`` starts a thread every 10 ms that walks all counts; one asyncio process needs neither.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from math import floor
from typing import Final

from limits.storage import Storage
from limits.storage.base import SlidingWindowCounterSupport

from shared.runtime.clock import utc_now

COUNTS_KEPT: Final = 100_000
"""About 20 MiB; when there are more, the count that was asked for longest ago starts anew."""

_IPV6_OF_ONE: Final = 64
"""Bits of an IPv6 address that one subscriber usually has to himself."""


class BoundedMemory(Storage, SlidingWindowCounterSupport):
    """Counts of windows, the newest ``kept`` of them."""

    STORAGE_SCHEME = ["whistle-memory"]  # noqa: RUF012  the library's own way to name a storage

    def __init__(self, kept: int = COUNTS_KEPT, *, clock: Callable[[], float] = lambda: utc_now().timestamp()) -> None:
        super().__init__()
        self._kept = kept
        self._clock = clock
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing here fails."""
        return ValueError

    def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """See ``take``; by this name the library's limiter asks."""
        return self.take(key, limit, expiry, amount)

    def take(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count ``amount`` unless that makes more than ``limit`` in the last ``expiry`` seconds."""
        now = self._clock()
        before, this = _windows(key, expiry, now)
        previous, current = self._count(before, now), self._count(this, now)
        if floor(previous * (expiry - now % expiry) / expiry + current) + amount > limit:
            return False
        self._add(this, 2 * expiry, amount, now)
        return True

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        """The counts of the window before and of this one, each with the seconds it still counts."""
        now = self._clock()
        before, this = _windows(key, expiry, now)
        previous, into = self.get(before), now % expiry
        return previous, (expiry - into if previous else 0.0), self.get(this), 2 * expiry - into

    def clear_sliding_window(self, key: str, expiry: int) -> None:
        """Forget a window and the one before."""
        for one in _windows(key, expiry, self._clock()):
            self.clear(one)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a count, which ends ``expiry`` seconds after its first."""
        return self._add(key, expiry, amount, self._clock())

    def get(self, key: str) -> int:
        """A count; 0 once it has ended."""
        return self._count(key, self._clock())

    def _add(self, key: str, expiry: float, amount: int, now: float) -> int:
        ends, count = self._counts.pop(key, (0.0, 0))
        ends, count = (ends, count) if ends > now else (now + expiry, 0)
        self._counts[key] = (ends, count + amount)
        if len(self._counts) > self._kept:
            self._counts.popitem(last=False)
        return count + amount

    def _count(self, key: str, now: float) -> int:
        ends, count = self._counts.get(key, (0.0, 0))
        return count if ends > now else 0

    def get_expiry(self, key: str) -> float:
        """When a count ends."""
        return self._counts.get(key, (self._clock(), 0))[0]

    def check(self) -> bool:
        """It is always there."""
        return True

    def reset(self) -> int:
        """Forget everything; how many counts that were."""
        forgotten = len(self._counts)
        self._counts.clear()
        return forgotten

    def clear(self, key: str) -> None:
        """Forget a count."""
        self._counts.pop(key, None)


def _windows(key: str, expiry: int, now: float) -> tuple[str, str]:
    """The names of the window before and of this one."""
    number = int(now // expiry)
    return f"{key}/{number - 1}", f"{key}/{number}"


def one_subscriber(address: str) -> str:
    """The address, of IPv6 the network that one subscriber has: else everyone has 2^64 of them."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if found.version == 4:  # noqa: PLR2004  IPv4
        return str(found)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or ipaddress.ip_network((found, _IPV6_OF_ONE), strict=False))
