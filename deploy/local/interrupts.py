"""Ctrl-C, SIGTERM and a closed terminal: the first ends the work, further ones do not disturb the stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

STOPPERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first stop signal inside the block into ``KeyboardInterrupt`` and ignore those after it.

    Only in the main thread; put what must be stopped inside the block.
    """
    seen = threading.Event()

    def once(signum: int, frame: FrameType | None) -> None:
        del signum, frame
        if not seen.is_set():
            seen.set()
            raise KeyboardInterrupt

    before = {signum: signal.signal(signum, once) for signum in STOPPERS}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def wait_for_interrupt() -> None:
    """Wait until a stop signal comes; returns never, it raises ``KeyboardInterrupt``."""
    threading.Event().wait()
