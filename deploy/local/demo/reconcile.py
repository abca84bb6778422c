"""Does it add up? Sets of ids compared; every sentence it returns is something that does not."""

from collections import Counter
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from deploy.local.demo.messages import FORGOTTEN, WHISTLED
from shared.vocabulary import Level, OrderRole

SHOWN = 3


@dataclass(slots=True)
class Sent:
    """What became of everything that was sent; ``accepted`` holds case ids, ``wrong`` sentences.

    ``joined`` are reports of a matter that had a case already: report id → that case.
    """

    sent: int = 0
    accepted: set[str] = field(default_factory=set)
    joined: dict[str, str] = field(default_factory=dict)
    repeated: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    """One webhook subscription: the events it was owed, those its receiver has, and forged or repeated ones."""

    name: str
    owed: AbstractSet[str]
    received: AbstractSet[str]
    forged: int
    repeats: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Everything that is compared. ``orders`` maps an order to its case and role, ``clocked`` holds orders."""

    sent: Sent
    opened: AbstractSet[str]
    older: AbstractSet[str]
    """Cases that were there before the play."""
    untold: AbstractSet[str]
    """Stories whose report joined one of the older cases, so that nothing is to be told."""
    joined: AbstractSet[str]
    """Reports that became part of a case, by its own facts."""
    unfiled: AbstractSet[str]
    """Cases that still wait for a person to file them, and so have no order."""
    listed: AbstractSet[str]
    orders: Mapping[str, tuple[str, OrderRole]]
    clocked: AbstractSet[str]
    deliveries: tuple[Deliveries, ...]
    dead_letters: tuple[str, ...]
    forgotten_climbed: tuple[Level, ...]
    forgotten_told: bool
    """Whether the county's leader on duty was told of the forgotten case in the end."""
    unheard: AbstractSet[str]
    """Departments that the village whistled for and that got no order for it."""
    refused_actions: tuple[str, ...]


def faults(account: Account) -> list[str]:
    """Return what does not add up, in sentences; empty when everything does."""
    return [*_sending(account), *_cases(account), *_orders(account), *_telling(account)]


def _sending(account: Account) -> Iterator[str]:
    sent = account.sent
    refused = sum(sent.refused.values())
    found = len(sent.accepted) + len(sent.joined) + sent.repeated + refused
    if sent.sent != found:
        yield (
            f"{sent.sent} were sent, but {len(sent.accepted)} accepted + {len(sent.joined)} joined"
            f" + {sent.repeated} repeated + {refused} refused make {found}"
        )
    yield from sent.wrong
    yield from (f"an action was refused: {one}" for one in account.refused_actions[:SHOWN])


def _cases(account: Account) -> Iterator[str]:
    yield from _missing(account.sent.accepted - account.opened, "accepted cases have no opened event")
    yield from _missing(
        set(account.sent.joined.values()) - account.opened - account.older,
        "cases that reports joined have no opened event",
    )
    yield from _missing(account.sent.joined.keys() - account.joined, "joined reports are in no fact of their case")
    yield from _missing(account.sent.accepted - account.listed, "accepted cases are not listed by the notifier")


def _orders(account: Account) -> Iterator[str]:
    led = {case_id for case_id, role in account.orders.values() if role is OrderRole.LEAD}
    yield from _missing(account.sent.accepted - led - account.unfiled, "accepted cases have no lead order")
    yield from _missing(account.orders.keys() - account.clocked, "orders have no clock")
    if FORGOTTEN not in account.untold:
        yield from _forgotten(account)
    if WHISTLED not in account.untold:
        yield from _missing(account.unheard, "departments were whistled for and got no order")


def _forgotten(account: Account) -> Iterator[str]:
    if account.forgotten_climbed != (Level.VILLAGE, Level.TOWN, Level.COUNTY):
        levels = " → ".join(account.forgotten_climbed) or "nowhere"
        yield f"the forgotten case should climb village → town → county; its lead orders went {levels}"
    elif not account.forgotten_told:
        yield "the county's leader on duty was not told of the forgotten case"


def _telling(account: Account) -> Iterator[str]:
    for one in account.deliveries:
        yield from _missing(one.owed - one.received, f"events owed to the webhook {one.name} did not arrive")
        if one.forged:
            yield f"{one.forged} deliveries to the webhook {one.name} had a wrong signature"
    for reason, count in Counter(account.dead_letters).items():
        yield f"{count} dead letters: {reason}"


def _missing(ids: AbstractSet[str], what: str) -> Iterator[str]:
    if ids:
        some = ", ".join(sorted(ids)[:SHOWN])
        yield f"{len(ids)} {what}: {some}{' …' if len(ids) > SHOWN else ''}"
