"""Kafka in and out: cases and escalations are routed in batches, their orders acknowledged before the commit."""

from collections.abc import Sequence
from datetime import timedelta

from services.router.handlers import GROUP, TOPICS, route_batch
from services.router.metrics import LoopMeter, Metrics
from services.router.ports import Switch
from services.router.settings import Settings
from services.router.shortcut import Shortcut
from shared.runtime.clock import utc_now
from shared.runtime.delivery import (
    DeliveryLoop,
    DeliverySettings,
    Handle,
    KafkaLog,
    KafkaSettings,
    Outcome,
    Publisher,
    Record,
    RejectionLimits,
)


def route_loop(settings: Settings, rulebooks: Switch, publisher: Publisher, metrics: Metrics) -> DeliveryLoop:
    """The loop that turns case and sla events into orders."""
    kafka = KafkaSettings(
        bootstrap=settings.kafka,
        group=GROUP,
        topics=TOPICS,
        instance=settings.instance,
        session=settings.session,
        heartbeat=min(timedelta(seconds=3), settings.session / 8),
    )
    limits = RejectionLimits(
        max_rejected_ratio=settings.max_rejected_ratio, max_rejected_in_a_row=settings.max_rejected_in_a_row
    )
    bounds = DeliverySettings(service="router", batch_records=settings.batch_records, limits=limits)
    return DeliveryLoop(
        KafkaLog(kafka, publisher),
        handle_with(rulebooks, metrics, shortcut=Shortcut(most_bytes=settings.decisions_bytes)),
        settings=bounds,
        meter=LoopMeter(metrics),
    )


def handle_with(rulebooks: Switch, metrics: Metrics, *, shortcut: Shortcut) -> Handle:
    """Return the loop's handler: a batch of records to what must be sent before it is committed."""

    async def handle(records: Sequence[Record]) -> Outcome:
        now = utc_now()
        routed = await route_batch(records, rulebooks=rulebooks.in_force(), now=now, shortcut=shortcut.batch(now))
        metrics.count(routed.tallies)
        return Outcome(messages=routed.messages, rejected=routed.rejected, passed_over=routed.passed_over)

    return handle
