"""Query parameters to filters; every wrong one is refused by its name, with what is allowed."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Final, TypeVar
from uuid import UUID

from fastapi import Query

from services.notifier.domain.audience import Filter
from services.notifier.domain.waiting import Waiting
from shared.runtime.auth import Principal
from shared.vocabulary import CaseState, Level, Purpose, Refused, Severity, is_area

MOST_VALUES: Final = 50

Many = Sequence[str]
AreaQuery = Annotated[str | None, Query(description="An area code: this area and all below it.", max_length=15)]
LevelQuery = Annotated[Many, Query(description="village, town, county; repeat it, or list with commas.")]
CategoryQuery = Annotated[Many, Query(description="Category codes; a parent stands for its children.")]
SeverityQuery = Annotated[Many, Query(description="1 to 4 (or I to IV); 1 is the gravest.")]
DepartmentQuery = Annotated[Many, Query(description="Department ids: what concerns any of them.")]
TypeQuery = Annotated[
    Many, Query(description="Event types, or beginnings of them: `whistle.order`, `whistle.sla.breached.v1`.")
]
StateQuery = Annotated[Many, Query(description="States of a case.")]
WaitsQuery = Annotated[
    Many, Query(description="What waits for somebody's word: file, alike, receipt, whistle, extension, reply, …")
]
PurposeQuery = Annotated[Many, Query(description="real, drill; both when absent. Canaries are in no list.")]
ModeQuery = Annotated[Many, Query(description="Ids of modes, `normal` among them: cases in any of them.")]
CaseQuery = Annotated[UUID | None, Query(description="One case.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Query parameters as they came."""

    area: str | None = None
    level: Many = ()
    category: Many = ()
    severity: Many = ()
    type: Many = ()
    department: Many = ()
    case: UUID | None = None
    purpose: Many = ()
    mode: Many = ()

    def filter(self, principal: Principal) -> Filter:
        """Return the filter.

        Raises:
            Refused: naming the parameter that is wrong, and what is allowed.
            Forbidden: when the area, or the department, is not the key's.
        """
        if self.area is not None:
            if not is_area(self.area):
                raise Refused("this is no area code", field="?area", allowed=["6, 9, 12 or 15 digits"])
            principal.must_hold(self.area, field="?area")
        return Filter(
            area=self.area,
            levels=frozenset(_each("level", self.level, _level)),
            categories=frozenset(_each("category", self.category, _word(_CODE))),
            severities=frozenset(_each("severity", self.severity, _severity)),
            types=frozenset(_each("type", self.type, _word(_TYPE))),
            departments=frozenset(_each("department", self.department, _word(_ID))),
            case_id=self.case,
            purposes=frozenset(_each("purpose", self.purpose, _purpose)),
            modes=frozenset(_each("mode", self.mode, _word(_ID))),
        )


def states(given: Many) -> frozenset[CaseState]:
    """Return the states asked for."""
    return frozenset(_each("state", given, lambda text: _one_of(CaseState, text)))


def waits(given: Many) -> frozenset[Waiting]:
    """Return what is waited for, as it was asked for."""
    return frozenset(_each("waits", given, lambda text: _one_of(Waiting, text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """Where the next page begins, as a text that means nothing to its bearer."""

    at: datetime
    of: UUID

    @property
    def text(self) -> str:
        """The cursor as it is handed out."""
        return base64.urlsafe_b64encode(f"{self.at.isoformat()}|{self.of}".encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> Cursor:
        """Read what ``text`` wrote.

        Raises:
            Refused: when it was not handed out here.
        """
        try:
            at, _, of = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().partition("|")
            cursor = cls(at=datetime.fromisoformat(at), of=UUID(of))
        except (ValueError, binascii.Error) as error:
            raise _not_ours() from error
        if cursor.at.tzinfo is None:
            raise _not_ours()
        return cursor


def _not_ours() -> Refused:
    return Refused("this is no cursor of ours", field="?cursor", allowed=["`next` of the page before, or none"])


_CODE: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{0,31}")
_TYPE: Final = re.compile(r"[a-z0-9_.]{1,64}")
_ID: Final = re.compile(r"[0-9A-Za-z._-]{1,64}")
_FORMS: Final = {
    _CODE: "1 to 32 letters, digits, dots and hyphens",
    _TYPE: "1 to 64 small letters, digits, dots and underscores",
    _ID: "1 to 64 letters, digits, dots, hyphens and underscores",
}
"""What an error says of them."""
_NUMERALS: Final = {"I": 1, "II": 2, "III": 3, "IV": 4}

T = TypeVar("T")
E = TypeVar("E", bound=Enum)


def _each(name: str, given: Many, read: Callable[[str], T]) -> list[T]:
    texts = [text.strip() for one in given for text in one.split(",") if text.strip()]
    if len(texts) > MOST_VALUES:
        raise Refused(f"{len(texts)} values", field=f"?{name}", allowed=[f"{MOST_VALUES} or fewer"])
    try:
        return [read(text) for text in texts]
    except Refused as refused:
        raise Refused(refused.reason, field=f"?{name}", allowed=refused.allowed) from refused


def _level(text: str) -> Level:
    return _one_of(Level, text)


def _purpose(text: str) -> Purpose:
    found = _one_of(Purpose, text)
    if found is Purpose.CANARY:
        raise Refused("a canary is told to nobody", allowed=[Purpose.REAL.value, Purpose.DRILL.value])
    return found


def _one_of(kind: type[E], text: str) -> E:
    try:
        return kind(text)
    except ValueError as error:
        raise Refused("this is no such value", allowed=[str(one.value) for one in kind]) from error


def _severity(text: str) -> Severity:
    number = _NUMERALS.get(text.upper(), text)
    try:
        return Severity(int(number))
    except ValueError as error:
        raise Refused("this is no grade", allowed=["1", "2", "3", "4"]) from error


def _word(pattern: re.Pattern[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if not pattern.fullmatch(text):
            raise Refused("this has a form that no such value has", allowed=[_FORMS[pattern]])
        return text

    return read
