"""The junction: every topic with its key, its producer (dead letters have several), its consumers and what it carries.

Tests walk this catalogue; Kubernetes and the local platform make their topics from it. A case lives
in one partition of each topic keyed by its id, so their partition counts are one number.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from shared.events.case import CaseEvent
from shared.events.inbound import ReportReceived
from shared.events.mode import ModeChanged
from shared.events.order import OrderEvent, OrderIssued, OrderWithdrawn
from shared.events.playbook import PlaybookPublished
from shared.events.sla import SlaEvent
from shared.events.warning import WarningEvent
from shared.vocabulary import Level

if TYPE_CHECKING:
    from shared.events.envelope import Payload

CASE_PARTITIONS: Final = 12
"""Partitions of every topic keyed by case id; see docs/decisions/0004."""

WEEK_MS: Final = 7 * 24 * 3600 * 1000
FOREVER: Final = "-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """One topic: ``config`` is what differs from the broker's defaults."""

    name: str
    key: str
    producers: frozenset[str]
    consumers: frozenset[str]
    types: tuple[type[Payload], ...]
    partitions: int = CASE_PARTITIONS
    config: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


INBOUND: Final = Topic(
    name="whistle.inbound.v1",
    key="source/reference",
    producers=frozenset({"outside"}),
    consumers=frozenset({"intake"}),
    types=(ReportReceived,),
)
CASE: Final = Topic(
    name="whistle.case.v1",
    key="case id",
    producers=frozenset({"intake"}),
    consumers=frozenset({"router", "escalation", "notifier"}),
    types=CaseEvent.__args__,
    config=MappingProxyType({"retention.ms": FOREVER}),
)
ORDER: Final[Mapping[Level, Topic]] = MappingProxyType(
    {
        level: Topic(
            name=f"whistle.order.{level}.v1",
            key="case id",
            producers=frozenset({"router"}),
            consumers=frozenset({"intake", "escalation", "notifier"}),
            types=OrderEvent.__args__,
            config=MappingProxyType({"retention.ms": FOREVER}),
        )
        for level in (Level.COUNTY, Level.TOWN, Level.VILLAGE)
    }
)
SLA: Final = Topic(
    name="whistle.sla.v1",
    key="case id",
    producers=frozenset({"escalation"}),
    consumers=frozenset({"intake", "router", "notifier"}),
    types=SlaEvent.__args__,
    config=MappingProxyType({"retention.ms": FOREVER}),
)
PLAYBOOK: Final = Topic(
    name="whistle.playbook.v1",
    key="county code",
    producers=frozenset({"publisher"}),
    consumers=frozenset({"intake", "router", "escalation", "notifier"}),
    types=(PlaybookPublished,),
    partitions=1,
    config=MappingProxyType({"cleanup.policy": "compact", "max.message.bytes": str(8 * 1024 * 1024)}),
)
MODE: Final = Topic(
    name="whistle.mode.v1",
    key="area code",
    producers=frozenset({"intake"}),
    consumers=frozenset({"notifier"}),
    types=(ModeChanged,),
    partitions=1,
    config=MappingProxyType({"cleanup.policy": "compact"}),
)
WARNING: Final = Topic(
    name="whistle.warning.v1",
    key="county code",
    producers=frozenset({"escalation"}),
    consumers=frozenset({"intake", "notifier"}),
    types=WarningEvent.__args__,
    config=MappingProxyType({"retention.ms": FOREVER}),
)
DEAD_LETTER: Final = Topic(
    name="whistle.dead-letter.v1",
    key="key of the record that could not be handled",
    producers=frozenset({"intake", "router", "escalation", "notifier"}),
    consumers=frozenset(),
    types=(),
    config=MappingProxyType({"retention.ms": str(26 * WEEK_MS), "max.message.bytes": str(8 * 1024 * 1024)}),
)

TOPICS: Final = (INBOUND, CASE, *ORDER.values(), SLA, PLAYBOOK, MODE, WARNING, DEAD_LETTER)

PAYLOADS: Final[Mapping[str, type[Payload]]] = MappingProxyType(
    {payload.TYPE: payload for topic in TOPICS for payload in topic.types}
)
"""Every payload by its CloudEvents type."""


def topic_of(data: Payload) -> Topic:
    """The topic that carries ``data``; an order's is the topic of its level."""
    match data:
        case OrderIssued() | OrderWithdrawn():
            return ORDER[data.order.level]
        case _:
            return _TOPIC_BY_TYPE[data.TYPE]


_TOPIC_BY_TYPE: Final = {
    payload.TYPE: topic for topic in TOPICS if topic not in ORDER.values() for payload in topic.types
}
