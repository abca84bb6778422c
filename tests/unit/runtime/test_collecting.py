"""What stays is looked at once; what becomes garbage is found, the new soon and the old at last."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from shared.runtime.collecting import Collecting


class Knot:
    """Something that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def collecting() -> Iterator[Collecting]:
    collecting = Collecting()
    yield collecting
    collecting.end()


def test_what_is_there_is_set_apart(collecting: Collecting) -> None:
    collecting.begin()
    assert gc.get_freeze_count() > 1000
    assert len(gc.get_objects(generation=2)) < 1000


def test_what_is_new_and_garbage_is_found(collecting: Collecting) -> None:
    collecting.begin()
    knot = Knot()
    seen = weakref.ref(knot)
    del knot
    gc.collect()
    assert seen() is None


def test_what_has_outlived_a_full_look_is_not_looked_at_again(collecting: Collecting) -> None:
    collecting.begin()
    knot = Knot()
    seen = weakref.ref(knot)
    gc.collect()
    del knot
    gc.collect()
    assert seen() is not None


def test_garbage_that_was_set_apart_is_found_at_the_next_look_at_everything() -> None:
    collecting = Collecting(everything_seconds=0)
    collecting.begin()
    knot = Knot()
    seen = weakref.ref(knot)
    gc.collect()
    del knot
    gc.collect()
    assert seen() is None
    collecting.end()


def test_the_end_leaves_the_collector_as_it_was() -> None:
    thresholds, callbacks = gc.get_threshold(), list(gc.callbacks)
    collecting = Collecting()
    collecting.begin()
    assert gc.get_threshold() != thresholds
    for _ in range(2):
        collecting.end()
    assert (gc.get_threshold(), gc.callbacks, gc.get_freeze_count()) == (thresholds, callbacks, 0)
