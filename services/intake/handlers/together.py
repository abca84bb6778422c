"""What many ask for at once is kept by one transaction, and each gets an answer of its own.

A transaction costs PostgreSQL the same few round trips and one flush to disk whether it keeps one report or
hundreds. Whoever comes first does not wait for others: a transaction begins as soon as one is free, with everybody
who is there then, and a second beside it once many wait. See docs/decisions/0018.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.intake.handlers.turns import Turns
from services.intake.ports import PlaybookAway
from shared.runtime.postgres import OUTAGES

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")

Work = Callable[[Sequence[Asked]], Awaitable[Sequence[Answered | Exception]]]
"""One transaction: an answer or a refusal for each that was asked, in order; raises when nothing was kept."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """The bounds of one queue."""

    together: int = 200
    """Kept by one transaction at most: reports are compared with the others of their batch, so more cost more each."""
    transactions: int = 2
    """Open at a time: while one waits for the disk, the next is filled."""
    crowd: int = 25
    """Who wait before a further transaction begins beside another: two half-empty ones cost each caller more time."""
    waiting: int = 10_000
    waiting_of_one: int = 5_000
    """Of one sender: half of the room stays for others."""


def _nobody(_size: int, _seconds: float) -> None:
    """Nobody counts."""


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Asked, Answered]):
    asked: Asked
    answer: asyncio.Future[Answered]


class Together(Generic[Asked, Answered]):
    """Who waits for a transaction, and the transactions under way; a task lives only while somebody waits.

    ``told`` hears each batch's size and seconds.
    """

    def __init__(self, size: Size | None = None, *, told: Callable[[int, float], None] = _nobody) -> None:
        self._size = size or Size()
        self._told = told
        self._turns: Turns[_Waiting[Asked, Answered]] = Turns(
            most=self._size.waiting, most_of_one=self._size.waiting_of_one
        )
        self._open = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, asked: Asked, *, turn: str, work: Work[Asked, Answered]) -> asyncio.Future[Answered]:
        """The answer to ``asked``, there once its transaction is committed; ``turn`` names the sender.

        ``work`` is the same for all that wait here. An outage goes to all of a batch; any other exception is
        somebody's own, so the batch is halved until that one stands alone with it.

        Raises:
            Crowded: too many wait, or too many of this sender.
        """
        waiting: _Waiting[Asked, Answered] = _Waiting(asked, asyncio.get_running_loop().create_future())
        self._turns.put(turn, waiting)
        if self._open == 0 or (self._open < self._size.transactions and len(self._turns) >= self._size.crowd):
            self._open += 1
            # In a context of its own: what is kept for many must not look like one caller's doing.
            task = asyncio.create_task(self._keep(work), name="kept together", context=contextvars.Context())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return waiting.answer

    async def _keep(self, work: Work[Asked, Answered]) -> None:
        """Batch after batch, until nobody waits."""
        try:
            while self._turns:
                batch = [one for one in self._turns.take(self._size.together) if not one.answer.done()]
                began = time.monotonic()
                await _answer(batch, work)
                self._told(len(batch), time.monotonic() - began)
        finally:
            # Not when the task is done: whoever comes between would wait for a task that has ended.
            self._open -= 1


async def _answer(batch: Sequence[_Waiting[Asked, Answered]], work: Work[Asked, Answered]) -> None:
    """Give everybody of the batch an answer, whatever happens."""
    if not batch:
        return
    try:
        answers = await work([one.asked for one in batch])
    except (*OUTAGES, PlaybookAway) as outage:
        _tell(batch, [outage] * len(batch))
    except Exception as error:  # noqa: BLE001  a fault of one must not become everybody's
        if len(batch) == 1:
            _tell(batch, [error])
            return
        log.warning("a batch of %d is halved after %s", len(batch), type(error).__name__)
        middle = len(batch) // 2
        await _answer(batch[:middle], work)
        await _answer(batch[middle:], work)
    except BaseException:
        # The loop is being closed: nobody may wait for an answer that never comes.
        for one in batch:
            one.answer.cancel()
        raise
    else:
        _tell(batch, answers)


def _tell(batch: Sequence[_Waiting[Asked, Answered]], answers: Sequence[Answered | Exception]) -> None:
    for one, answer in zip(batch, answers, strict=True):
        if one.answer.done():
            continue
        if isinstance(answer, Exception):
            one.answer.set_exception(answer)
        else:
            one.answer.set_result(answer)
