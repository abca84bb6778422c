"""What many ask for at once is kept together, in turn, and nobody gets another's answer or another's fault."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncpg
import pytest

from services.intake.handlers.doors import Reply
from services.intake.handlers.papers import KeptMeanwhile, until_kept
from services.intake.handlers.together import Size, Together
from services.intake.handlers.turns import Crowded, Turns
from shared.vocabulary import Refused

Asked = tuple[str, int]


class Desk:
    """Work that notes its batches and holds each until it is told to go on."""

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[Asked]] = []
        self.begun = asyncio.Event()
        self.go_on = asyncio.Event()
        self.poison: set[int] = set()
        self.refused: set[int] = set()
        self.away: Exception | None = None
        if not held:
            self.go_on.set()

    async def keep(self, asked: Sequence[Asked]) -> list[str | Exception]:
        self.batches.append(list(asked))
        self.begun.set()
        await self.go_on.wait()
        if self.away is not None:
            raise self.away
        if any(number in self.poison for _, number in asked):
            raise ValueError("a database error that is the draft's own fault")
        return [Refused("no") if number in self.refused else f"{turn} {number}" for turn, number in asked]


def ask(together: Together[Asked, str], desk: Desk, turn: str, numbers: range) -> list[asyncio.Future[str]]:
    return [together.begin((turn, number), turn=turn, work=desk.keep) for number in numbers]


async def test_whoever_comes_while_a_transaction_is_open_shares_the_next_one() -> None:
    desk, together = Desk(held=True), Together[Asked, str](Size(transactions=1))
    first = ask(together, desk, "a", range(1))
    await desk.begun.wait()
    rest = ask(together, desk, "a", range(1, 101))
    desk.go_on.set()
    assert await asyncio.gather(*first, *rest) == [f"a {number}" for number in range(101)]
    assert [len(batch) for batch in desk.batches] == [1, 100]


async def test_five_thousand_of_one_sender_keep_another_waiting_for_one_batch_at_most() -> None:
    desk, together = Desk(held=True), Together[Asked, str](Size(transactions=1))
    flood = ask(together, desk, "flood", range(5000))
    await desk.begun.wait()
    (other,) = ask(together, desk, "other", range(1))
    desk.go_on.set()
    assert await other == "other 0"
    assert ("other", 0) in desk.batches[1]
    await asyncio.gather(*flood)


async def test_nobody_has_to_come_for_the_last_one_to_be_kept() -> None:
    """Each comes just as the task of the one before has found nobody waiting."""
    desk, together = Desk(), Together[Asked, str](Size(transactions=1))
    async with asyncio.timeout(5):
        for number in range(200):
            (answer,) = ask(together, desk, "a", range(number, number + 1))
            assert await answer == f"a {number}"


async def test_one_that_no_batch_can_bear_stands_alone_with_its_fault() -> None:
    desk, together = Desk(), Together[Asked, str](Size(transactions=1))
    desk.poison, desk.refused = {7}, {8}
    answers = await asyncio.gather(*ask(together, desk, "a", range(16)), return_exceptions=True)
    assert [number for number, answer in enumerate(answers) if not isinstance(answer, str)] == [7, 8]
    assert isinstance(answers[7], ValueError)
    assert isinstance(answers[8], Refused)


async def test_an_outage_is_told_to_everybody_and_tried_once() -> None:
    desk, together = Desk(), Together[Asked, str](Size(transactions=1))
    desk.away = ConnectionResetError("PostgreSQL is away")
    answers = await asyncio.gather(*ask(together, desk, "a", range(16)), return_exceptions=True)
    assert all(isinstance(answer, ConnectionResetError) for answer in answers)
    assert len(desk.batches) == 1
    desk.away = None
    assert await ask(together, desk, "a", range(1))[0] == "a 0"


async def test_who_has_left_is_not_kept() -> None:
    desk, together = Desk(held=True), Together[Asked, str](Size(transactions=1))
    first = ask(together, desk, "a", range(1))
    await desk.begun.wait()
    left, stayed = ask(together, desk, "a", range(1, 3))
    left.cancel()
    desk.go_on.set()
    assert await asyncio.gather(*first, stayed) == ["a 0", "a 2"]
    assert desk.batches[1] == [("a", 2)]


async def test_a_batch_of_those_who_all_left_does_not_end_the_work() -> None:
    desk, together = Desk(held=True), Together[Asked, str](Size(transactions=1, together=2))
    first = ask(together, desk, "a", range(1))
    await desk.begun.wait()
    *left, stayed = ask(together, desk, "a", range(1, 4))
    for one in left:
        one.cancel()
    desk.go_on.set()
    async with asyncio.timeout(5):
        assert await asyncio.gather(*first, stayed) == ["a 0", "a 3"]


async def test_a_second_transaction_begins_beside_the_first_once_many_wait() -> None:
    desk, together = Desk(held=True), Together[Asked, str](Size(crowd=5))
    answers = ask(together, desk, "a", range(5))
    await asyncio.sleep(0)
    assert [len(batch) for batch in desk.batches] == [5]
    answers += ask(together, desk, "a", range(5, 9))
    await asyncio.sleep(0)
    assert [len(batch) for batch in desk.batches] == [5]
    answers += ask(together, desk, "a", range(9, 12))
    await asyncio.sleep(0)
    assert [len(batch) for batch in desk.batches] == [5, 7]
    desk.go_on.set()
    assert await asyncio.gather(*answers) == [f"a {number}" for number in range(12)]


async def test_when_the_work_is_ended_nobody_waits_for_ever() -> None:
    desk, together = Desk(held=True), Together[Asked, str](Size(transactions=1))
    (answer,) = ask(together, desk, "a", range(1))
    await desk.begun.wait()
    (task,) = (one for one in asyncio.all_tasks() if one.get_name() == "kept together")
    task.cancel()
    async with asyncio.timeout(5):
        with pytest.raises(asyncio.CancelledError):
            await answer


async def test_two_transactions_in_each_others_way_are_tried_again_and_not_for_ever() -> None:
    tried: list[int] = []

    async def keep() -> list[Reply | Exception]:
        tried.append(1)
        if len(tried) < 3:
            raise [KeptMeanwhile, asyncpg.DeadlockDetectedError][len(tried) - 1]
        return []

    async def never() -> list[Reply | Exception]:
        tried.append(1)
        raise asyncpg.DeadlockDetectedError

    assert await until_kept(keep) == []
    tried.clear()
    with pytest.raises(asyncpg.DeadlockDetectedError):
        await until_kept(never)
    assert len(tried) == 4


def test_a_full_queue_says_so_and_keeps_room_for_others() -> None:
    turns: Turns[int] = Turns(most=10, most_of_one=5)
    for number in range(5):
        turns.put("flood", number)
    with pytest.raises(Crowded):
        turns.put("flood", 5)
    for number in range(5):
        turns.put(f"other {number}", number)
    with pytest.raises(Crowded):
        turns.put("late", 0)
    assert len(turns.take(100)) == 10
    turns.put("late", 0)


def test_turns_go_round_and_whose_turn_was_cut_off_is_next() -> None:
    turns: Turns[str] = Turns(most=100, most_of_one=100)
    for name, count in (("a", 4), ("b", 1), ("c", 2)):
        for number in range(count):
            turns.put(name, f"{name}{number}")
    assert turns.take(2) == ["a0", "b0"]
    assert turns.take(10) == ["c0", "a1", "c1", "a2", "a3"]
    assert turns.take(10) == []
    assert len(turns) == 0
