"""Keeps Python's collector away from playbooks: a walk through the hundred thousand objects of one stops every thread.

A full collection goes through every object there is, half a second for a few large counties, and is set off by
reading one. Playbooks hold no reference cycles and are freed when the last one drops them, so it would find nothing.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


class _Holding:
    """How many hold the collector off at this moment, and whether it was at work before."""

    def __init__(self) -> None:
        self.count = 0
        self.worked = False


_holding = _Holding()


@contextmanager
def held_off() -> Iterator[None]:
    """Let no collection happen inside the block; then keep what is there now out of all later ones.

    What is garbage already is collected before, or it would be kept for ever.
    """
    if _holding.count == 0:
        _holding.worked = gc.isenabled()
        gc.collect()
        gc.disable()
    _holding.count += 1
    try:
        yield
    finally:
        _holding.count -= 1
        if _holding.count == 0:
            gc.freeze()
            if _holding.worked:
                gc.enable()
