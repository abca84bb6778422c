"""The audit's chain: a mark for each entry, a head for each block that hangs on the block before.

Whoever changes, removes, adds or moves an entry changes its mark or its place, and whoever changes the marks to fit
changes every head from there on: a head that was noted elsewhere then no longer stands in the chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from uuid import UUID

MARK_BYTES: Final = 16
"""Of a SHA-256: 2^128 tries to make another entry with the same mark."""
MODES: Final = "whistle.mode."
"""What the kinds of entries about changes of mode begin with; the state that a change has come to follows."""
NOTHING: Final = bytes(32)
"""What the first block hangs on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the audit; ``version`` is 0 unless it is a fact of the case ``subject``.

    ``stands`` is False when the fact or the change of mode that it speaks of is gone or no longer what it was; it is
    no part of the mark.
    """

    entry: int
    turn: int
    at: datetime
    kind: str
    subject: UUID
    version: int
    event_id: UUID | None
    who: str
    key_id: str
    why: str
    origin: str
    digest: bytes
    stands: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The entries of all transactions from ``from_turn`` up to, not with, ``to_turn``."""

    block: int
    from_turn: int
    to_turn: int
    marks: bytes
    sealed_at: datetime
    before: bytes
    head: bytes
    dropped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Flaw:
    """Where the audit first no longer holds, and how."""

    block: int
    entry: int | None
    words: str


def mark_of(entry: Entry) -> bytes:
    """The mark of an entry: of every field, each with its length before it, so that no two run together."""
    fields = (
        str(entry.entry),
        str(entry.turn),
        entry.at.astimezone(UTC).isoformat(timespec="microseconds"),
        entry.kind,
        str(entry.subject),
        str(entry.version),
        "" if entry.event_id is None else str(entry.event_id),
        entry.who,
        entry.key_id,
        entry.why,
        entry.origin,
        entry.digest.hex(),
    )
    said = b"".join(len(text).to_bytes(4, "big") + text for text in (field.encode() for field in fields))
    return hashlib.sha256(said).digest()[:MARK_BYTES]


def sealed(entries: Sequence[Entry], *, after: Block | None, to_turn: int, at: datetime) -> Block:
    """The next block: ``entries`` in the order of turn and entry, all that there are before ``to_turn``."""
    block, before = (1, NOTHING) if after is None else (after.block + 1, after.head)
    from_turn = 0 if after is None else after.to_turn
    marks = b"".join(mark_of(entry) for entry in entries)
    head = _head(block=block, turns=(from_turn, to_turn), at=at, before=before, marks=marks)
    return Block(block=block, from_turn=from_turn, to_turn=to_turn, marks=marks, sealed_at=at, before=before, head=head)


def chain_flaw(block: Block, *, after: Block | None) -> Flaw | None:
    """What is wrong with a block as a link of the chain, whatever its entries say."""
    expected = 1 if after is None else after.block + 1
    if block.block != expected:
        return Flaw(block=expected, entry=None, words=f"block {expected} is missing")
    if after is not None and (block.before != after.head or block.from_turn != after.to_turn):
        return Flaw(block=block.block, entry=None, words=f"block {block.block} does not hang on the block before")
    turns = (block.from_turn, block.to_turn)
    head = _head(block=block.block, turns=turns, at=block.sealed_at, before=block.before, marks=block.marks)
    if head != block.head or (after is None and block.before != NOTHING):
        return Flaw(block=block.block, entry=None, words=f"block {block.block} was changed: its head is another's")
    return None


def entries_flaw(block: Block, entries: Sequence[Entry]) -> Flaw | None:
    """The first entry of a block, in order, that is not what was sealed; or whose fact no longer stands."""
    if block.dropped:
        return _flaw(block, entries[0], "stands in a block whose entries were dropped") if entries else None
    sealed_marks = _marks(block)
    for place, entry in enumerate(entries):
        mark = mark_of(entry)
        if place >= len(sealed_marks):
            return _flaw(block, entry, "was added after its block was sealed")
        if mark != sealed_marks[place]:
            return _other_than_sealed(block, sealed_marks, entries, place)
        if not entry.stands:
            return _flaw(block, entry, f"speaks of {_what(entry)}, which was changed")
    if len(entries) < len(sealed_marks):
        where = f"after entry {entries[-1].entry}" if entries else "all of them"
        return Flaw(
            block=block.block,
            entry=None,
            words=f"{len(sealed_marks) - len(entries)} entries of block {block.block} are missing, {where}",
        )
    return None


def _other_than_sealed(block: Block, sealed_marks: Sequence[bytes], entries: Sequence[Entry], place: int) -> Flaw:
    """Whether an entry before this one is gone, this one was added, or this one was changed."""
    entry, rest = entries[place], set(sealed_marks[place + 1 :])
    if mark_of(entry) in rest:
        before = f"after entry {entries[place - 1].entry}" if place else "the first of it"
        return _flaw(block, entry, f"stands where another was sealed: one is missing from the block, {before}")
    if place + 1 < len(entries) and mark_of(entries[place + 1]) == sealed_marks[place]:
        return _flaw(block, entry, "was added after its block was sealed")
    return _flaw(block, entry, "was changed after its block was sealed")


def _flaw(block: Block, entry: Entry, words: str) -> Flaw:
    return Flaw(block=block.block, entry=entry.entry, words=f"entry {entry.entry} of block {block.block} {words}")


def _what(entry: Entry) -> str:
    if entry.kind.startswith(MODES):
        return f"the change of mode {entry.subject}"
    return f"version {entry.version} of case {entry.subject}"


def _marks(block: Block) -> list[bytes]:
    return [block.marks[start : start + MARK_BYTES] for start in range(0, len(block.marks), MARK_BYTES)]


def _head(*, block: int, turns: tuple[int, int], at: datetime, before: bytes, marks: bytes) -> bytes:
    when = at.astimezone(UTC).isoformat(timespec="microseconds")
    said = f"{block}|{turns[0]}|{turns[1]}|{when}|".encode()
    return hashlib.sha256(before + said + marks).digest()
