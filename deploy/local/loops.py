"""Run a coroutine from blocking code, whether or not the caller's thread has a running loop."""

import asyncio
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")


def in_own_loop(action: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run ``action`` to its end in a thread with an event loop of its own and return its result."""
    with ThreadPoolExecutor(max_workers=1) as one:
        return one.submit(lambda: asyncio.run(action())).result()
