"""The end of a demo that ends by itself: wait until everything has gone through, compare, say, and judge."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from collections.abc import Set as AbstractSet
from typing import Final, TypeVar

import httpx

from deploy.local.demo.actors import Actors
from deploy.local.demo.evidence import Offsets, Told, clocked_orders, ends, listed_cases, read
from deploy.local.demo.people import CALLED
from deploy.local.demo.reconcile import Account, Deliveries, Sent, faults
from deploy.local.demo.sender import Sender
from deploy.local.demo.subscriptions import Subscriptions
from deploy.local.demo.telling import Teller
from deploy.local.platform import Platform
from shared.events.topics import ORDER
from shared.vocabulary import Level, OrderRole

# Work still in flight may take long on a slow machine; as long as it moves it is waited for.
PATIENCE_SECONDS: Final = 240.0
STILL_SECONDS: Final = 40.0
LOOK_SECONDS: Final = 0.5
T = TypeVar("T")
LEVEL_OF: Final = {topic.name: level for level, topic in ORDER.items()}


async def settle(  # noqa: PLR0913  the whole of a play is accounted for
    platform: Platform,
    begin: Offsets,
    *,
    older: AbstractSet[str],
    notifier: httpx.AsyncClient,
    sender: Sender,
    actors: Actors,
    subscriptions: Subscriptions,
    teller: Teller,
) -> int:
    """Compare what was sent with what came of it, show the account, and return 0 when it adds up, else 1.

    ``older`` are the cases that were there before the play.
    """
    accepted = sender.sent.accepted
    told = await _until(lambda: _told(platform, begin), lambda found: len(accepted - _led(found) - found.unfiled))
    orders = {order_id: (str(one.order.case_id), one.order.role) for order_id, one in told.orders.items()}
    clocked = await _until(lambda: clocked_orders(platform.dsn, orders), lambda found: len(orders.keys() - found))
    listed = await _until(lambda: listed_cases(notifier), lambda found: len(accepted - found))
    owed = {name: subscriptions.owed(name, told.events) for name in subscriptions.inboxes}
    await _until(subscriptions.received, lambda found: sum(len(owed[name] - found[name]) for name in owed))
    account = Account(
        sent=sender.sent,
        opened=told.opened,
        older=older,
        untold={story for story, case_id in sender.astray.items() if case_id in older},
        joined=told.joined,
        unfiled=told.unfiled,
        listed=listed,
        orders=orders,
        clocked=clocked,
        deliveries=tuple(
            Deliveries(name=name, owed=owed[name], received=box.events, forged=box.forged, repeats=box.repeats)
            for name, box in subscriptions.inboxes.items()
        ),
        dead_letters=tuple(told.dead_letters),
        forgotten_climbed=_climbed(told, sender.forgotten),
        forgotten_told=sender.forgotten in told.led_to_leader,
        unheard=set(CALLED) - _called(told, sender.whistled),
        refused_actions=tuple(actors.tally.refused),
    )
    return _say(account, told, actors, teller)


async def _told(platform: Platform, begin: Offsets) -> Told:
    return await read(platform.bootstrap, begin, await ends(platform.bootstrap))


async def _until(look: Callable[[], Awaitable[T]], missing: Callable[[T], int]) -> T:
    """Look until nothing is missing, no less is missing for :data:`STILL_SECONDS`, or the patience is over."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    least, since = None, time.monotonic()
    while True:
        found = await look()
        lacking, now = missing(found), time.monotonic()
        if least is None or lacking < least:
            least, since = lacking, now
        if lacking == 0 or now - since > STILL_SECONDS or now > deadline:
            return found
        await asyncio.sleep(LOOK_SECONDS)


def _led(told: Told) -> set[str]:
    return {str(one.order.case_id) for one in told.orders.values() if one.order.role is OrderRole.LEAD}


def _climbed(told: Told, forgotten: str | None) -> tuple[Level, ...]:
    """The levels on whose topics lead orders for the forgotten case were issued, from below."""
    levels = {
        one.order.level
        for one in told.orders.values()
        if str(one.order.case_id) == forgotten and one.order.role is OrderRole.LEAD
    }
    return tuple(level for level in (Level.VILLAGE, Level.TOWN, Level.COUNTY) if level in levels)


def _leader(account: Account) -> list[str]:
    return ["leader on duty"] if account.forgotten_told else []


def _called(told: Told, whistled: str | None) -> set[str]:
    """The departments that have an order of the whistle for the whistled case."""
    return {
        one.order.target.id
        for one in told.orders.values()
        if str(one.order.case_id) == whistled and one.order.whistle is not None
    }


def _sums(sent: Sent, refused: str) -> str:
    parts = f"{len(sent.accepted)} accepted + {len(sent.joined)} joined + {sent.repeated} repeats + {refused} refused"
    return f"{sent.sent} = {parts}"


def _delivered(one: Deliveries) -> str:
    there = len(one.owed & one.received)
    return f"{there} of {len(one.owed)} owed events received, {one.repeats} repeats, {one.forged} forged"


def _beside(account: Account) -> str:
    """What an earlier demo has to do with the account."""
    joined = sum(case_id in account.older for case_id in account.sent.joined.values())
    untold = ", ".join(sorted(account.untold)) or "none"
    return (
        f"旧数据 begun with {len(account.older)} cases of before (--keep): {joined} reports joined them;"
        f" stories not told for it: {untold}"
    )


def _say(account: Account, told: Told, actors: Actors, teller: Teller) -> int:
    sent = account.sent
    refused = ", ".join(f"{count} × {status}" for status, count in sorted(sent.refused.items()))
    levels = {level: sum(one.order.level is level for one in told.orders.values()) for level in Level}
    actions = ", ".join(f"{name} {count}" for name, count in actors.tally.done.most_common())
    teller.table(
        "对账 the account",
        [
            ("上报 sent", _sums(sent, refused)),
            (
                "案卷 cases",
                f"{len(account.opened)} opened, {len(account.unfiled)} to file, {len(account.listed)} listed",
            ),
            ("派单 orders", f"{len(account.orders)}: " + ", ".join(f"{level} {n}" for level, n in levels.items())),
            ("时限 clocks", f"{len(account.clocked)} of {len(account.orders)} orders have one"),
            ("逾期 late", f"{told.warned} warnings, {told.breached} breaches, {len(told.escalated)} escalations"),
            ("升级链 chains", f"{told.steps} steps taken, {len(told.led_to_leader)} cases told to a leader on duty"),
            ("升级 forgotten case", " → ".join([*account.forgotten_climbed, *_leader(account)])),
            ("吹哨 whistled case", f"{len(CALLED) - len(account.unheard)} of {len(CALLED)} departments called"),
            ("操作 actions", f"{actions}; {actors.tally.too_late} came too late"),
            *(
                (
                    f"推送 webhook {one.name}",
                    _delivered(one),
                )
                for one in account.deliveries
            ),
            ("死信 dead letters", str(len(account.dead_letters))),
        ],
    )
    if account.older:
        teller.line(f"· {_beside(account)}", style="yellow")
    found = faults(account)
    for fault in found:
        teller.line(f"✗ {fault}", style="bold red")
    if not found:
        teller.line(
            "✓ 账目相符 it adds up: every accepted report has its order, its clock and its deliveries", style="green"
        )
    return 1 if found else 0
