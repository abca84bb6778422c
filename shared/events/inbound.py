"""Raw reports of outside systems that speak Kafka, on ``whistle.inbound.v1``.

A reporter's name, phone and home never enter Kafka: such a system keeps them and gives its own
``reference``; the same reference again is the same report.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from annotated_types import MaxLen, MinLen

from shared.events.parts import Instant, Place
from shared.vocabulary import AreaCode, CategoryCode, Severity, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportReceived:
    """One report; either ``area`` or ``place`` says where."""

    TYPE: ClassVar[str] = "whistle.inbound.report.v1"
    source: Source
    reference: Annotated[str, MinLen(1), MaxLen(128)]
    text: Annotated[str, MinLen(1), MaxLen(8000)]
    area: AreaCode | None = None
    place: Place | None = None
    category: CategoryCode | None = None
    severity: Severity | None = None
    tags: Annotated[tuple[Annotated[str, MaxLen(64)], ...], MaxLen(32)] = ()
    occurred_at: Instant | None = None
