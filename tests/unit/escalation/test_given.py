"""What the group gives a member, and what is done with records that are read while it is divided anew."""

from collections.abc import Collection
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka.errors import IllegalStateError
from faust.types import TP

from services.escalation.faust_app import FoldApp, FoldSettings, LedgerConsumer, Offsets
from shared.runtime.delivery import Partition


class Told:
    """What an app says of its place in the group."""

    def __init__(self, known: Offsets | Exception) -> None:
        self.known = known
        self.asked: list[Collection[Partition]] = []
        self.spares = 0
        self.failures: list[BaseException] = []
        settings = FoldSettings(bootstrap="127.0.0.1:1", topics=("t",), group="g", instance="g-0")
        self.app = FoldApp(
            settings, ledger=self.ledger, begins=print, failed=self.failures.append, revoked=print, spare=self.spare
        )

    async def ledger(self, partitions: Collection[Partition]) -> Offsets:
        self.asked.append(partitions)
        if isinstance(self.known, Exception):
            raise self.known
        return self.known

    def spare(self) -> None:
        self.spares += 1

    def given(self, *tps: TP) -> None:
        self.app.consumer = cast("Any", SimpleNamespace(assignment=lambda: set(tps)))


ONE, TWO = TP("t", 0), TP("t", 1)


async def test_a_member_that_is_given_nothing_is_told_so_and_one_that_is_given_something_is_not() -> None:
    told = Told({})
    await told.app.on_partitions_assigned.send({ONE})
    assert told.spares == 0
    await told.app.on_partitions_assigned.send(set())
    assert told.spares == 1


async def test_the_ledger_is_asked_once_for_what_was_given_before_faust_seeks() -> None:
    told = Told({Partition("t", 0): 7})
    told.given(ONE)
    await told.app.on_rebalance_complete.send()
    assert told.asked == [[Partition("t", 0)]]
    assert told.app.found_of({ONE}) == {Partition("t", 0): 7}


async def test_who_is_given_nothing_does_not_wait_for_a_ledger() -> None:
    told = Told(OSError("away"))
    told.given()
    await told.app.on_rebalance_complete.send()
    assert told.asked == []


async def test_partitions_that_came_after_the_ledger_was_asked_begin_anew_as_faust_does() -> None:
    told = Told({Partition("t", 0): 7})
    told.given(ONE)
    await told.app.on_rebalance_complete.send()
    with pytest.raises(IllegalStateError, match="1 partitions were given after the ledger was asked"):
        told.app.found_of({ONE, TWO})
    assert told.failures == []


async def test_a_ledger_that_cannot_be_read_at_all_ends_the_fold_with_its_own_reason() -> None:
    told = Told(ValueError("no such table"))
    told.given(ONE)
    with pytest.raises(ValueError, match="no such table"):
        await told.app.on_rebalance_complete.send()
    assert [str(one) for one in told.failures] == ["no such table"]


class Stopping(LedgerConsumer):
    """A consumer whose flow stops while it reads; a seek of its own would ask a ledger that is away."""

    def __init__(self) -> None:
        self.app = cast("Any", SimpleNamespace(consumer_generation_id=1))
        self.flow_active = False

    should_stop = False

    async def _wait_next_records(self, timeout: float) -> Any:  # noqa: ASYNC109  Faust's
        return {ONE: [1, 2, 3]}, {ONE}

    async def perform_seek(self) -> None:
        raise OSError("PostgreSQL is away")


async def test_what_is_read_while_the_group_is_divided_anew_is_let_go_and_asks_for_nothing() -> None:
    assert [one async for one in Stopping().getmany(1.0)] == []
