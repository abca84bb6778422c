"""Orders as bytes by example: one order is written by the ordinary way, and its like by filling in what differs.

So whatever the ordinary way writes, a field added tomorrow included, is written here too.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha1
from typing import Final
from uuid import UUID

import msgspec

from services.router.domain.decision import Decision
from services.router.domain.issuing import EVENT_SOURCE, events_of
from shared.events.case import CaseOpened
from shared.events.codec import CONTENT_TYPE, SPEC_VERSION, Message
from shared.events.envelope import WHISTLE, Event
from shared.events.order import OrderIssued
from shared.events.topics import topic_of
from shared.vocabulary import OrderRole

SAMPLE_CAUSE: Final = UUID("5a5a5a5a-1111-4222-8333-a4a4a4a4a4a4")
SAMPLE_CASE: Final = UUID("5b5b5b5b-1111-4222-8333-b4b4b4b4b4b4")
SAMPLE_TIME: Final = datetime(2001, 2, 3, 4, 5, 6, 789012, tzinfo=UTC)
_SPACE: Final = sha1(WHISTLE.bytes, usedforsecurity=False)
_VARIANT: Final = dict(zip("0123456789abcdef", "89ab" * 4, strict=True))
_SPEC_VERSION: Final = ("ce_specversion", SPEC_VERSION.encode())
_SOURCE: Final = ("ce_source", EVENT_SOURCE.encode())
_TYPE: Final = ("ce_type", OrderIssued.TYPE.encode())
_CONTENT_TYPE: Final = ("content-type", CONTENT_TYPE.encode())


@dataclass(frozen=True, slots=True)
class Cause:
    """What of the event that is answered stands in its orders, each as it is written."""

    id: str
    case_id: str
    case: bytes
    """The case's JSON, as it came."""
    sequence: bytes
    traceparent: bytes


@dataclass(frozen=True, slots=True)
class Stamp:
    """The instant of a batch, as data and headers write it."""

    data: bytes
    header: bytes

    @classmethod
    def of(cls, now: datetime) -> "Stamp":
        """Write `now` once for a whole batch."""
        return cls(msgspec.json.encode(now)[1:-1], now.astimezone(UTC).isoformat().encode())


@dataclass(frozen=True, slots=True)
class Template:
    """One order of a decision, all but what differs from case to case."""

    topic: str
    step: str
    """What its id is derived by, after the cause's id."""
    before_id: bytes
    before_case_id: bytes
    before_time: bytes
    before_case: bytes
    before_cause: bytes
    rest: bytes

    @property
    def size(self) -> int:
        """Bytes that it holds."""
        return sum(len(getattr(self, part)) for part in _PARTS)

    def message(self, cause: Cause, stamp: Stamp) -> Message:
        """Return the order that answers `cause`, as the ordinary way writes it."""
        order_id = derived(f"{cause.id}|{self.step}")
        event_id = derived(f"{cause.id}|issued|{order_id}")
        key = cause.case_id.encode()
        value = b"".join(
            (
                self.before_id,
                order_id.encode(),
                self.before_case_id,
                key,
                self.before_time,
                stamp.data,
                self.before_case,
                cause.case,
                self.before_cause,
                cause.id.encode(),
                self.rest,
            )
        )
        headers = (
            _SPEC_VERSION,
            ("ce_id", event_id.encode()),
            _SOURCE,
            _TYPE,
            ("ce_subject", key),
            ("ce_time", stamp.header),
            ("ce_sequence", cause.sequence),
            ("ce_partitionkey", key),
            _CONTENT_TYPE,
            ("traceparent", cause.traceparent),
        )
        return Message(topic=self.topic, key=key, value=value, headers=headers)


def derived(name: str) -> str:
    """Return `uuid5(WHISTLE, name)` as text; in a third of the time, and an order needs two."""
    digest = _SPACE.copy()
    digest.update(name.encode())
    text = digest.hexdigest()
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def templates_of(decision: Decision, opened: CaseOpened) -> tuple[Template, ...]:
    """Return a template for each order of a repeatable `decision` about a case like that of `opened`."""
    case = replace(opened.case, case_id=SAMPLE_CASE)
    cause = Event(
        id=SAMPLE_CAUSE,
        source="/sample",
        subject=str(SAMPLE_CASE),
        time=SAMPLE_TIME,
        sequence=1,
        data=replace(opened, case=case),
    )
    case_json = msgspec.json.encode(case)
    return tuple(
        _template(event.data, case_json)
        for event in events_of(decision, cause, case, now=SAMPLE_TIME)
        if isinstance(event.data, OrderIssued)
    )


def _template(issued: OrderIssued, case_json: bytes) -> Template:
    order = issued.order
    marks = (
        str(order.order_id).encode(),
        str(SAMPLE_CASE).encode(),
        Stamp.of(SAMPLE_TIME).data,
        case_json,
        str(SAMPLE_CAUSE).encode(),
    )
    parts = _split(msgspec.json.encode(issued), marks)
    who = "" if order.role is OrderRole.LEAD else f"{order.target.kind}/{order.target.id}"
    step = f"order.{order.role}|{who}"
    if derived(f"{SAMPLE_CAUSE}|{step}") != str(order.order_id):
        raise TypeError("an order's id is derived in another way than expected: mend services/router/publisher.py")
    return Template(topic_of(issued).name, step, *parts)


def _split(written: bytes, marks: tuple[bytes, ...]) -> tuple[bytes, bytes, bytes, bytes, bytes, bytes]:
    """Return what stands before each of the five marks, and the rest."""
    parts: list[bytes] = []
    for mark in marks:
        before, found, written = written.partition(mark)
        if not found:
            raise TypeError(f"{mark!r} is not where an order is expected to say it: mend services/router/publisher.py")
        parts.append(before)
    first, second, third, fourth, fifth = parts
    return first, second, third, fourth, fifth, written


_PARTS: Final = ("before_id", "before_case_id", "before_time", "before_case", "before_cause", "rest")
