"""What people named in past cases becomes examples: the last word counts, guesses and drills teach nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from cli import lessons
from shared.events.case import CaseFiled, CaseOpened, CaseRecategorised, CaseSigned
from shared.vocabulary import Purpose

COUNTY = "990199"
SINCE = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Told:
    """A record of the case topic, as far as lessons look at it."""

    headers: tuple[tuple[str, bytes], ...]
    value: bytes
    topic: str = "whistle.case.v1"
    partition: int = 0
    offset: int = 0


def told(kind: type[Any], case_id: UUID, category: str, **more: Any) -> Told:
    case = {
        "case_id": case_id,
        "version": 1,
        "state": "opened",
        "county": more.pop("county", COUNTY),
        "area": "990199001",
        "level": "town",
        "category": category,
        "severity": 4,
        "source": "grid",
        "title": "t",
        "opened_at": SINCE,
        "playbook": {"version": "1", "digest": "0" * 64},
        "purpose": more.pop("purpose", Purpose.REAL),
    }
    return Told((("ce_type", kind.TYPE.encode()),), msgspec.json.encode({"case": case, **more}))


async def learned(monkeypatch: pytest.MonkeyPatch, *records: Told) -> tuple[set[tuple[str, str]], int]:
    async def of_cases(_bootstrap: str, *, since: datetime) -> AsyncIterator[Sequence[Any]]:
        assert since == SINCE
        yield records

    monkeypatch.setattr(lessons, "records_of_cases", of_cases)
    found = await lessons.of_topic("nowhere:9092", county=COUNTY, since=SINCE)
    return {(one.text, one.category) for one in found.examples}, found.passed_over


GUESS = {"category": "03", "confidence": 0.2}


async def test_a_named_category_teaches_and_a_guess_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    records = (
        told(CaseOpened, uuid4(), "03", text="named"),
        told(CaseOpened, uuid4(), "03", text="guessed", guess=GUESS),
        told(CaseSigned, uuid4(), "03", text="signed"),
    )
    assert await learned(monkeypatch, *records) == ({("named", "03")}, 0)


async def test_the_last_word_of_a_person_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    case_id = uuid4()
    records = (
        told(CaseOpened, case_id, "03", text="a smell", guess=GUESS),
        told(CaseFiled, case_id, "03.001", text="a smell", category_before="03"),
        told(CaseRecategorised, case_id, "07.004", category_before="03.001"),
    )
    assert await learned(monkeypatch, *records[:2]) == ({("a smell", "03.001")}, 0)
    assert await learned(monkeypatch, *records) == ({("a smell", "07.004")}, 0)


async def test_other_counties_drills_and_broken_records_teach_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    records = (
        told(CaseOpened, uuid4(), "03", text="elsewhere", county="990198"),
        told(CaseOpened, uuid4(), "03", text="a drill", purpose=Purpose.DRILL),
        Told((("ce_type", CaseOpened.TYPE.encode()),), b"{"),
    )
    assert await learned(monkeypatch, *records) == (set(), 1)
