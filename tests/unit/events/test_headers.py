"""The headers of an event, as they are written."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from uuid import uuid4

from shared.events.codec import encode
from tests.fakes.router import a_case, event, opened

NOON = datetime(2026, 11, 22, 12, 0, 0, 250, tzinfo=UTC)


def test_the_time_of_an_event_is_written_in_utc_whatever_its_offset() -> None:
    told = event(opened(a_case()), id=uuid4())
    for hours in (8, 0, -5):
        local = NOON.astimezone(timezone(timedelta(hours=hours)))
        assert dict(encode(replace(told, time=local)).headers)["ce_time"] == b"2026-11-22T12:00:00.000250+00:00"
