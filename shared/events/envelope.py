"""The envelope every event travels in: CloudEvents 1.0, and the ids that make a replay harmless."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha1
from typing import TYPE_CHECKING, ClassVar, Final, Generic, Protocol, TypeVar
from uuid import UUID

if TYPE_CHECKING:
    from datetime import datetime

WHISTLE: Final = UUID("5f2b7c1e-9d57-5c1a-8a6e-0d8f4e9b2a11")
"""The name space of every id that Whistle derives."""
_SPACE: Final = WHISTLE.bytes
_VERSION_5: Final = 0x5000_8000_0000_0000_0000
_FREE: Final = ~0xF000_C000_0000_0000_0000
"""RFC 9562, 5.5: the bits that say which kind of id it is, and all others."""


class Payload(Protocol):
    """What an event carries: a frozen dataclass that knows its own CloudEvents type."""

    TYPE: ClassVar[str]


DataT_co = TypeVar("DataT_co", bound=Payload, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event(Generic[DataT_co]):
    """One record on a topic.

    ``subject`` is the case id, or for a playbook its county. ``sequence`` is the case's version for
    a case event and, for an order or an sla event, the version of the case that it answers: order
    holds within a topic, not between topics, so a fold over several compares these.
    """

    id: UUID
    source: str
    subject: str
    time: datetime
    sequence: int
    data: DataT_co
    traceparent: str | None = None

    @property
    def type(self) -> str:
        """The CloudEvents type, ``whistle.<topic word>.<fact>.v<n>``."""
        return self.data.TYPE


def derive_id(parent: UUID, step: str, target: str = "") -> UUID:
    """The id of what ``parent`` causes at ``step`` for ``target``: the same on every replay."""
    # What uuid.uuid5 does, without its look for the module of hashes each time: a report asks for four.
    digest = sha1(_SPACE + f"{parent}|{step}|{target}".encode(), usedforsecurity=False).digest()
    return UUID(int=int.from_bytes(digest[:16]) & _FREE | _VERSION_5)
