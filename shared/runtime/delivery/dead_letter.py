"""Records set aside: the original bytes, key and headers, and beside them why and where from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from shared.events.codec import Message
from shared.events.topics import DEAD_LETTER
from shared.runtime.delivery.log import Log, TooLarge
from shared.runtime.delivery.record import Record, Rejected

PREFIX: Final = "dead-letter-"
REPLAY_OF: Final = PREFIX + "replay-of"
"""On a record that was sent again: the place of the letter that it comes from."""
REPLAYED: Final = PREFIX + "replayed"
"""On a mark, which lies on the letters' own topic: the place of the letter that was sent again."""
LONGEST_REASON: Final = 2000
SCHEMA: Final = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a dead letter came from and why it was set aside."""

    reason: str
    topic: str
    partition: int
    offset: int
    service: str
    schema: str
    at: datetime
    truncated: bool


def dead_letter(rejected: Rejected, *, service: str, now: datetime) -> Message:
    """Return the dead letter of a record: its own bytes, key and headers, then ours after them."""
    record = rejected.record
    nulls = [name for name, content in (("key", record.key), ("value", record.value)) if content is None]
    notes = {
        "reason": rejected.reason[:LONGEST_REASON],
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "service": service,
        "schema": SCHEMA,
        "at": now.isoformat(),
        **({"null": ",".join(nulls)} if nulls else {}),
    }
    ours = tuple((PREFIX + name, text.encode(errors="replace")) for name, text in notes.items())
    return Message(
        topic=DEAD_LETTER.name, key=record.key or b"", value=record.value or b"", headers=record.headers + ours
    )


async def publish_dead_letters(log: Log, letters: Sequence[Message]) -> None:
    """Return when every letter is acknowledged; one that the broker finds too large goes without its bytes."""
    try:
        await log.publish(letters)
    except TooLarge:
        for letter in letters:
            try:
                await log.publish([letter])
            except TooLarge:
                await log.publish([truncated(letter)])


def truncated(letter: Message) -> Message:
    """Return the letter without its bytes, for one that the broker finds too large: the origin still leads to them."""
    headers = tuple((name, text[:LONGEST_REASON]) for name, text in letter.headers if name.startswith(PREFIX))
    return Message(
        topic=letter.topic, key=letter.key[:256], value=b"", headers=(*headers, (PREFIX + "truncated", b"true"))
    )


def origin(letter: Record) -> Origin:
    """Read our headers back; the last of each name is ours, even if a dead letter died again.

    Raises: KeyError or ValueError when the record is no dead letter.
    """
    notes = {name[len(PREFIX) :]: text.decode() for name, text in letter.headers if name.startswith(PREFIX)}
    return Origin(
        reason=notes["reason"],
        topic=notes["topic"],
        partition=int(notes["partition"]),
        offset=int(notes["offset"]),
        service=notes["service"],
        schema=notes["schema"],
        at=datetime.fromisoformat(notes["at"]),
        truncated="truncated" in notes,
    )


def original(letter: Record) -> Message:
    """Return the message that was set aside, addressed to the topic that it came from.

    Raises: KeyError or ValueError when the record is no dead letter, or when its bytes were too large to keep.
    """
    source = origin(letter)
    if source.truncated:
        raise ValueError(f"too large to keep: read {source.topic}/{source.partition} at offset {source.offset}")
    headers = tuple((name, text) for name, text in letter.headers if not name.startswith(PREFIX))
    return Message(topic=source.topic, key=letter.key or b"", value=letter.value or b"", headers=headers)


def again(letter: Record) -> Message:
    """Return the message that was set aside, with a header that names the letter it comes from.

    Raises: as ``original``.
    """
    message = original(letter)
    note = (REPLAY_OF, f"{letter.topic}/{place_of(letter)}".encode())
    return replace(message, headers=(*message.headers, note))


def mark(letter: Record, *, now: datetime) -> Message:
    """Return the mark that the letter has been sent again: it lies behind the letter, in the letter's own partition.

    It has the letter's key, and so goes where the letter went and lives as long as it.
    """
    notes = {REPLAYED: place_of(letter), PREFIX + "at": now.isoformat()}
    headers = tuple((name, text.encode()) for name, text in notes.items())
    return Message(topic=letter.topic, key=letter.key or b"", value=b"", headers=headers)


def marked(record: Record) -> str | None:
    """Return the place of the letter that this record marks as sent again; None when it is a letter itself."""
    place = record.header(REPLAYED)
    return None if place is None else place.decode(errors="replace")


def place_of(letter: Record) -> str:
    """Return where a letter lies on its topic, ``partition@offset``."""
    return f"{letter.partition}@{letter.offset}"
