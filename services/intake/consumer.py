"""Kafka in: orders and escalations to fold, and reports of outside systems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial

from services.intake.handlers import FOLD_GROUP, INBOUND_GROUP, Doors, accept_inbound, fold_batch
from services.intake.metrics import LoopMeter, Metrics
from services.intake.settings import Settings
from shared.events.topics import INBOUND, ORDER, SLA, WARNING
from shared.runtime.delivery import (
    NO_LIMITS,
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
from shared.runtime.origin import Origin, coming_from


def fold_loop(settings: Settings, doors: Doors, publisher: Publisher, metrics: Metrics) -> DeliveryLoop:
    """The loop that folds order and sla events into cases."""
    topics = (*(topic.name for topic in ORDER.values()), SLA.name)
    log = _log(settings, FOLD_GROUP, topics, publisher)
    handle = _noted(partial(fold_batch, doors=doors), "kafka orders and sla")
    limits = RejectionLimits(
        max_rejected_ratio=settings.max_rejected_ratio, max_rejected_in_a_row=settings.max_rejected_in_a_row
    )
    # Reports are accepted meanwhile: the door must not close because orders cannot be read.
    bounds = replace(_bounds(settings), limits=limits, linger=None)
    return DeliveryLoop(log, handle, settings=bounds, meter=LoopMeter(metrics, "fold"))


def inbound_loop(settings: Settings, doors: Doors, publisher: Publisher, metrics: Metrics) -> DeliveryLoop:
    """The loop that opens cases from inbound reports and for warnings; its bursts never hold up the folds."""
    log = _log(settings, INBOUND_GROUP, (INBOUND.name, WARNING.name), publisher)
    handle = _noted(partial(accept_inbound, doors=doors), f"kafka {INBOUND.name}")
    # Outsiders write this topic: however much garbage they send, intake goes on.
    bounds = replace(_bounds(settings), limits=NO_LIMITS)
    return DeliveryLoop(log, handle, settings=bounds, meter=LoopMeter(metrics, "inbound"))


def _noted(handle: Handle, channel: str) -> Handle:
    """``handle``, and whatever it does is noted as come by ``channel``."""

    async def noted(records: Sequence[Record]) -> Outcome:
        with coming_from(Origin(channel=channel)):
            return await handle(records)

    return noted


def _log(settings: Settings, group: str, topics: tuple[str, ...], publisher: Publisher) -> KafkaLog:
    kafka = KafkaSettings(bootstrap=settings.kafka, group=group, topics=topics, instance=settings.instance)
    return KafkaLog(kafka, publisher)


def _bounds(settings: Settings) -> DeliverySettings:
    return DeliverySettings(
        service="intake", batch_records=settings.batch_records, fetch_wait=timedelta(milliseconds=200)
    )
