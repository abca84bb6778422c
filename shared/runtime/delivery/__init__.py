"""The one delivery discipline: a batch's input is committed only after its output is acknowledged.

fetch → handle → await every produce and every dead letter → commit explicit offsets. A repeat is
always possible and always harmless: ids are deterministic and sinks drop what they have seen.
"""

from shared.runtime.delivery.dead_letter import (
    Origin,
    again,
    dead_letter,
    mark,
    marked,
    origin,
    original,
    place_of,
)
from shared.runtime.delivery.kafka import KafkaLog, KafkaSettings
from shared.runtime.delivery.limits import NO_LIMITS, RejectionLimits, Rejections, TooManyRejected
from shared.runtime.delivery.log import Log, PublishFailed, Rebalanced, TooLarge
from shared.runtime.delivery.loop import DeliveryLoop, DeliverySettings, Stalled
from shared.runtime.delivery.progress import Meter, Progress
from shared.runtime.delivery.publisher import Publisher, PublisherSettings
from shared.runtime.delivery.record import Handle, Outcome, Partition, Record, Rejected

__all__ = [
    "NO_LIMITS",
    "DeliveryLoop",
    "DeliverySettings",
    "Handle",
    "KafkaLog",
    "KafkaSettings",
    "Log",
    "Meter",
    "Origin",
    "Outcome",
    "Partition",
    "Progress",
    "PublishFailed",
    "Publisher",
    "PublisherSettings",
    "Rebalanced",
    "Record",
    "Rejected",
    "RejectionLimits",
    "Rejections",
    "Stalled",
    "TooLarge",
    "TooManyRejected",
    "again",
    "dead_letter",
    "mark",
    "marked",
    "origin",
    "original",
    "place_of",
]
