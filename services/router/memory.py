"""A bounded memory: what is used stays, what has not been used for long goes."""

from collections.abc import Hashable
from typing import Generic, TypeVar

T = TypeVar("T")


class Memory(Generic[T]):
    """Two generations: the young one is filled, and when it has half of all the room, the old one is let go for it.

    Close to forgetting the least recently used, at the cost of a look-up: no order is kept.
    """

    def __init__(self, *, most: int) -> None:
        """Hold values of `most` in size together, about."""
        self._half = most // 2
        self._young: dict[Hashable, tuple[T, int]] = {}
        self._old: dict[Hashable, tuple[T, int]] = {}
        self._size = 0

    def get(self, key: Hashable) -> T | None:
        """Return the value of `key`, None when it was never put or is forgotten."""
        known = self._young.get(key)
        if known is not None:
            return known[0]
        known = self._old.get(key)
        if known is None:
            return None
        self.put(key, known[0], size=known[1])
        return known[0]

    def put(self, key: Hashable, value: T, *, size: int) -> None:
        """Keep `value`, whose size is `size`, under `key`."""
        if self._size + size > self._half:
            self._old, self._young, self._size = self._young, {}, 0
        self._young[key] = value, size
        self._size += size

    def __len__(self) -> int:
        """How many keys it knows."""
        return len(self._young) + sum(key not in self._young for key in self._old)
