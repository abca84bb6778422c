"""The audit's chain names the first entry that is not what was sealed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.auditing import Block, Entry, chain_flaw, entries_flaw, mark_of, sealed
from shared.events.envelope import WHISTLE

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


def entry(number: int, **changes: object) -> Entry:
    made = Entry(
        entry=number,
        turn=100 + number,
        at=NOON,
        kind="whistle.case.opened.v1",
        subject=uuid5(WHISTLE, str(number)),
        version=1,
        event_id=uuid5(WHISTLE, f"e{number}"),
        who="desk 990101",
        key_id="k1",
        why="",
        origin="http /v1/reports 10.0.0.1",
        digest=bytes(32),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


ENTRIES = tuple(map(entry, range(1, 6)))
FIRST = sealed(ENTRIES, after=None, to_turn=200, at=NOON)
SECOND = sealed((entry(300),), after=FIRST, to_turn=500, at=NOON)


def words(entries: Sequence[Entry], block: Block = FIRST) -> str:
    flaw = entries_flaw(block, entries)
    return "" if flaw is None else flaw.words


def test_what_was_sealed_holds() -> None:
    assert entries_flaw(FIRST, ENTRIES) is None
    assert chain_flaw(FIRST, after=None) is None
    assert chain_flaw(SECOND, after=FIRST) is None


OTHERS = {
    "entry": 99,
    "turn": 1,
    "at": NOON + timedelta(microseconds=1),
    "kind": "read",
    "subject": UUID(int=0),
    "version": 2,
    "event_id": None,
    "who": "another",
    "key_id": "k2",
    "why": "x",
    "origin": "y",
    "digest": b"\x01" * 32,
}


@pytest.mark.parametrize("name", [one.name for one in fields(Entry) if one.name != "stands"])
def test_a_change_of_any_field_is_found_and_named(name: str) -> None:
    changed = replace(ENTRIES[2], **{name: OTHERS[name]})  # type: ignore[arg-type]
    flaw = entries_flaw(FIRST, (*ENTRIES[:2], changed, *ENTRIES[3:]))
    assert flaw is not None
    assert flaw.entry == changed.entry
    assert "was changed" in flaw.words


def test_a_removed_entry_is_found_where_it_stood() -> None:
    assert "one is missing from the block, after entry 2" in words((*ENTRIES[:2], *ENTRIES[3:]))
    assert "the first of it" in words(ENTRIES[1:])
    assert "1 entries of block 1 are missing, after entry 4" in words(ENTRIES[:-1])
    assert "all of them" in words(())


def test_an_added_entry_is_found() -> None:
    assert "entry 77 of block 1 was added" in words((*ENTRIES[:2], entry(77), *ENTRIES[2:]))
    assert "entry 77 of block 1 was added" in words((*ENTRIES, entry(77)))


def test_entries_that_changed_places_are_found() -> None:
    assert words((ENTRIES[0], ENTRIES[2], ENTRIES[1], *ENTRIES[3:]))


def test_a_fact_that_is_no_longer_what_it_was_is_found() -> None:
    gone = (*ENTRIES[:3], replace(ENTRIES[3], stands=False), ENTRIES[4])
    assert "which was changed" in words(gone)


def test_entries_that_were_dropped_by_rule_are_not_missed_but_may_not_come_back() -> None:
    dropped = replace(FIRST, dropped=True)
    assert entries_flaw(dropped, ()) is None
    assert "were dropped" in words(ENTRIES, dropped)


@pytest.mark.parametrize(
    "changes",
    (
        {"marks": FIRST.marks[16:]},
        {"sealed_at": NOON + timedelta(seconds=1)},
        {"to_turn": 201},
        {"before": b"\x01" * 32},
        {"head": b"\x01" * 32},
    ),
)
def test_a_changed_block_is_found(changes: dict[str, object]) -> None:
    assert chain_flaw(replace(FIRST, **changes), after=None) is not None  # type: ignore[arg-type]


def test_a_missing_block_is_found_and_one_that_hangs_elsewhere() -> None:
    third = sealed((entry(600),), after=SECOND, to_turn=700, at=NOON)
    flaw = chain_flaw(third, after=FIRST)
    assert flaw is not None
    assert "block 2 is missing" in flaw.words
    other = sealed(ENTRIES[:1], after=None, to_turn=200, at=NOON)
    assert chain_flaw(SECOND, after=other) is not None


texts = st.text(max_size=8)


@given(texts, texts, texts, texts)
def test_fields_never_run_together(who: str, why: str, other_who: str, other_why: str) -> None:
    one, other = entry(1, who=who, why=why), entry(1, who=other_who, why=other_why)
    assert (mark_of(one) == mark_of(other)) == ((who, why) == (other_who, other_why))
