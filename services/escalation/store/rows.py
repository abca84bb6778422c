"""Rows and columns of the tables ``case_facts`` and ``clock``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec.structs import force_setattr

from services.escalation.domain.chain import RunningClock
from services.escalation.domain.clocks import Stop
from services.escalation.domain.facts import Fact, Facts
from services.escalation.ports import Started
from shared.events.sla import Outcome

if TYPE_CHECKING:
    import asyncpg

    from shared.runtime.postgres import Connection

    Now: TypeAlias = Callable[[Connection], Awaitable[datetime]]

decode_facts = msgspec.json.Decoder(Facts).decode
decode_clock = msgspec.json.Decoder(RunningClock).decode


def columns(started: Iterable[Started]) -> list[list[Any]]:
    """One list a column of ``clock``, in the order of the INSERT."""
    rows = [
        (
            one.clock.shown.clock_id,
            one.clock.case_id,
            one.clock.shown.order_id,
            str(one.clock.shown.kind),
            str(one.clock.shown.level),
            one.partition,
            one.clock.shown.started_at,
            one.clock.shown.due_at,
            as_json(one.clock),
            one.traceparent,
            one.clock.next_at if one.stop is None else None,
            one.stop.at if one.stop else None,
            str(one.stop.outcome) if one.stop else None,
            str(one.stop.by) if one.stop else None,
            one.clock.moves,
            one.clock.still.since if one.clock.still else None,
            one.clock.warnings_passed,
            one.urgency,
            one.clock.steps_taken,
        )
        for one in started
    ]
    return [list(column) for column in zip(*rows, strict=True)]


def stop_of(row: asyncpg.Record) -> Stop | None:
    if row["stopped_at"] is None:
        return None
    return Stop(at=row["stopped_at"], outcome=Outcome(row["outcome"]), by=Fact(row["stopped_by"]))


def running_of(row: asyncpg.Record) -> RunningClock:
    clock = decode_clock(row["body"])
    # Nobody else holds what was just decoded, and a copy of it costs more than the decoding.
    force_setattr(clock, "warnings_passed", row["warnings_passed"])
    force_setattr(clock, "steps_taken", row["steps_taken"])
    force_setattr(clock, "breached", row["breached_at"] is not None)
    return clock


def as_json(value: object) -> str:
    return msgspec.json.encode(value).decode()
