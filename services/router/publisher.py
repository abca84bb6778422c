"""Orders as bytes by example: one order is written by the ordinary way, and its like by filling in what differs.

So whatever the ordinary way writes, a field added tomorrow included, is written here too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha1
from typing import Final

import msgspec

from services.router.domain.issuing import EVENT_SOURCE
from shared.events.codec import CONTENT_TYPE, SPEC_VERSION, Message
from shared.events.envelope import WHISTLE, Event
from shared.events.order import OrderEvent, OrderIssued
from shared.vocabulary import OrderRole

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


def templates_of(
    orders: Sequence[Event[OrderEvent]], messages: Sequence[Message], cause: Cause
) -> tuple[Template, ...]:
    """Return a template for each of the orders that answer `cause`, each by its `messages` as they were written."""
    return tuple(
        _template(event.data, message, cause)
        for event, message in zip(orders, messages, strict=True)
        if isinstance(event.data, OrderIssued)
    )


def _template(issued: OrderIssued, message: Message, cause: Cause) -> Template:
    order = issued.order
    marks = (
        str(order.order_id).encode(),
        cause.case_id.encode(),
        msgspec.json.encode(order.issued_at)[1:-1],
        cause.case,
        cause.id.encode(),
    )
    who = "" if order.role is OrderRole.LEAD else f"{order.target.kind}/{order.target.id}"
    step = f"order.{order.role}|{who}"
    if derived(f"{cause.id}|{step}") != str(order.order_id):
        raise TypeError("an order's id is derived in another way than expected: mend services/router/publisher.py")
    return Template(message.topic, step, *_split(message.value, marks))


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
