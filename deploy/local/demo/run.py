"""The demo from start to end: the system, the county's people, the messages, the stories, the account."""

import asyncio
import secrets
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Final

import httpx
from rich.console import Console

from deploy.local.demo.account import settle
from deploy.local.demo.actors import Actors, is_told
from deploy.local.demo.evidence import Offsets, ends, read, starts
from deploy.local.demo.intake import Intake
from deploy.local.demo.messages import drafts, read_messages
from deploy.local.demo.people import desks_and_departments
from deploy.local.demo.playbook import SPEED, demo_playbook
from deploy.local.demo.sender import Sender
from deploy.local.demo.sink import Sink
from deploy.local.demo.stream import Heard, follow
from deploy.local.demo.subscriptions import Subscriptions
from deploy.local.demo.telling import Teller
from deploy.local.ground import Ground
from deploy.local.interrupts import interruptible
from deploy.local.keys import county_bearers
from deploy.local.places import default_cache, default_data
from deploy.local.platform import Options, Platform
from deploy.local.processes import PartFailed
from deploy.local.progress import progress_on
from shared.playbook.model import Playbook

SEED: Final = 990101
SENDING_SHARE: Final = 0.55
"""Of a demo that ends by itself, the share in which messages are sent; the rest is for work and the account."""
ENDLESS_SECONDS: Final = 180
"""How long the messages take when the demo does not end by itself."""
COUNTS_EVERY_SECONDS: Final = 10.0
INTERRUPTED: Final = 130
GROUND: Final = "demo"
"""The folder inside the data folder that each demo begins afresh."""


def run(seconds: int | None = None, *, data: Path | None = None, cache: Path | None = None, keep: bool = False) -> int:
    """Run the demo and return the exit status: 1 when a part failed or the account does not add up.

    With ``seconds`` it ends by itself so long after the system is up, with the account (cut short: 130); without,
    it goes on until Ctrl-C. It begins with an empty county, in a folder of its own inside ``data``; with ``keep`` it
    goes on with what an earlier demo left there.
    """
    try:
        with interruptible():
            return _run(seconds, (data or default_data()).resolve(), cache or default_cache(), keep=keep)
    except KeyboardInterrupt:
        return 0 if seconds is None else INTERRUPTED
    except PartFailed as failure:
        sys.stderr.write(f"\n{failure}\n")
        return 1


def _run(seconds: int | None, data: Path, cache: Path, *, keep: bool) -> int:
    playbook = demo_playbook()
    bearers = (*county_bearers(playbook.county), *desks_and_departments(playbook))
    options = Options(
        data=data,
        cache=cache,
        bearers=bearers,
        playbooks=(playbook,),
        ground=Ground(folder=data / GROUND, keep=keep),
        taught=True,
    )
    with Platform(options, progress_on()) as platform:
        demo = Demo(platform, playbook, Teller(Console(soft_wrap=True)))
        return asyncio.run(demo.play(seconds))


class Demo:
    """One play of the demo on a running platform."""

    def __init__(self, platform: Platform, playbook: Playbook, teller: Teller) -> None:
        self._platform = platform
        self._playbook = playbook
        self._teller = teller
        self._intake = Intake(platform.url("intake"), platform.keys, run=f"demo-{secrets.token_hex(4)}")
        self._actors = Actors(self._intake, playbook, seed=SEED)
        self._sender = Sender(self._intake, playbook)
        self._heard: Counter[str] = Counter()
        self._older: frozenset[str] = frozenset()

    async def play(self, seconds: int | None) -> int:
        """Play until ``seconds`` have passed, or for ever; return the exit status."""
        sink = Sink()
        await sink.start()
        operator = self._platform.keys.token(f"{self._playbook.county}-operator")
        headers = {"Authorization": f"Bearer {operator}"}
        try:
            async with httpx.AsyncClient(
                base_url=self._platform.url("notifier"), headers=headers, timeout=15.0, trust_env=False
            ) as notifier:
                begin = await ends(self._platform.bootstrap)
                self._older = await self._of_before(begin)
                async with Subscriptions(notifier, sink, county=self._playbook.county) as subscriptions:
                    return await self._play(seconds, begin, notifier, subscriptions)
        finally:
            await self._actors.stop()
            await self._intake.close()
            await sink.stop()

    async def _play(
        self, seconds: int | None, begin: Offsets, notifier: httpx.AsyncClient, subscriptions: Subscriptions
    ) -> int:
        self._introduce(seconds)
        async with asyncio.TaskGroup() as tasks:
            background = [tasks.create_task(self._listen()), tasks.create_task(self._count())]
            await self._live(seconds)
            for task in background:
                task.cancel()
        await self._actors.stop()
        return await settle(
            self._platform,
            begin,
            older=self._older,
            notifier=notifier,
            sender=self._sender,
            actors=self._actors,
            subscriptions=subscriptions,
            teller=self._teller,
        )

    async def _of_before(self, begin: Offsets) -> frozenset[str]:
        """The cases of an earlier demo, which reports of this one may join."""
        if not self._platform.of_before:
            return frozenset()
        return frozenset((await read(self._platform.bootstrap, await starts(self._platform.bootstrap), begin)).opened)

    async def _live(self, seconds: int | None) -> None:
        """Send the messages, then let people work until the time is over."""
        began = time.monotonic()
        reports = drafts(self._playbook, read_messages(), seed=SEED)
        await self._sender.send_all(reports, within=ENDLESS_SECONDS if seconds is None else seconds * SENDING_SHARE)
        self._suggest()
        if seconds is None:
            await self._sender.send_now_and_then(self._playbook, seed=SEED)
        await asyncio.sleep(max(0.0, seconds - (time.monotonic() - began)) if seconds else 0)

    async def _listen(self) -> None:
        token = self._platform.keys.token(f"{self._playbook.county}-operator")
        async for heard in follow(self._platform.url("notifier"), token):
            self._heard[heard.type] += 1
            self._actors.hear(heard)
            self._tell(heard)

    def _tell(self, heard: Heard) -> None:
        if is_told(heard):
            self._teller.story(heard)

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(COUNTS_EVERY_SECONDS)
            sent = self._sender.sent
            self._teller.counts(sent.sent, sent.refused.total(), self._heard, self._actors.tally.done)

    def _introduce(self, seconds: int | None) -> None:
        platform, county = self._platform, self._playbook.county
        self._teller.headline("哨令 Whistle · 云麓县 (fictional): a county at work")
        self._teller.table(
            "看这里 where to look",
            [
                ("live page", platform.url("notifier")),
                ("residents' form", f"{platform.url('intake')}/report/"),
                ("key to paste", platform.keys.token(f"{county}-operator")),
                ("all keys", str(platform.keys.tokens)),
                ("intake API", platform.url("intake")),
                ("data", f"{platform.ground}, {self._what_of_it()}"),
                ("logs", str(platform.logs)),
                ("clocks", f"run {SPEED} times as fast as in earnest"),
                ("end", "Ctrl-C" if seconds is None else f"by itself, {seconds} s from now"),
            ],
        )
        self._teller.headline(
            "🔥 一次燃气泄漏 one gas leak   ⏰ 一张没人签收的派单 an order that nobody signs"
            "   📣 一次吹哨 a village whistles   ⏸ 延期、督办、暂停 more time, supervision, a pause"
            "   👥 两位邻居 two neighbours, one matter"
        )

    def _what_of_it(self) -> str:
        if self._platform.of_before:
            return f"with {len(self._older)} cases of before: reports may join them, and their stories are not told"
        return "empty now; the next demo removes it (--keep goes on with it)"

    def _suggest(self) -> None:
        broker = self._platform.pids().get("kafka", 0)
        self._teller.table(
            "接下来试试 what to try next (in a second terminal)",
            [
                ("whistle tail", "listen to everything, live"),
                (f"whistle explain {self._sender.story}", "why the gas leak went where it went"),
                ("whistle status", "counts, orders by level, open clocks"),
                ("whistle doctor", "what is wrong, why, how to mend"),
                ('whistle send "村口路灯不亮" --area 990101001200', "send a report of your own"),
                (f"kill -9 {broker}", "kill the broker: it comes back, nothing is lost"),
            ],
        )


__all__ = ["Demo", "run"]
