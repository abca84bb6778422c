"""What waits for somebody's word: the list of a desk begins with it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Final

from services.notifier.domain.requests import AppealState, ExtensionState, SupervisionState
from services.notifier.domain.whistles import WhistleState
from shared.vocabulary import CASE_ENDED, CaseState

if TYPE_CHECKING:
    from services.notifier.domain.fold import CaseRead


@unique
class Waiting(StrEnum):
    """Whose word a case waits for, by what it is about."""

    FILE = "file"
    """A desk files it or refuses it (待立案)."""
    ALIKE = "alike"
    """An officer says whether it is the same matter as another (疑似重复)."""
    RECEIPT = "receipt"
    """An emergency service has yet to confirm the hand-over."""
    WHISTLE = "whistle"
    """The head of a desk lets a whistle sound, or not."""
    EXTENSION = "extension"
    """More time is asked for, and not yet approved by two."""
    REPLY = "reply"
    """Whoever is supervised owes a reply."""
    SIGN_OFF = "sign_off"
    """Whoever supervises signs the reply off, or sends it back."""
    APPEAL = "appeal"
    """A reviewer decides an appeal."""


def waiting(read: CaseRead) -> tuple[Waiting, ...]:
    """What the case waits for, in the order of ``Waiting``; an appeal is of a case that has ended."""
    return tuple(dict.fromkeys(_waiting(read)))


def _waiting(read: CaseRead) -> Iterator[Waiting]:
    state = read.view.state
    if state is CaseState.RECEIVED:
        yield Waiting.FILE
    if state not in CASE_ENDED:
        yield from _of_open(read)
    if any(one.state in (AppealState.FILED, AppealState.BACKED) for one in read.requests.appeals.values()):
        yield Waiting.APPEAL


_NOBODY_AT_WORK: Final = frozenset({CaseState.RECEIVED, CaseState.OPENED, CaseState.ROUTED})
"""Once somebody has signed, whether it is the same as another is not what holds it up."""


def _of_open(read: CaseRead) -> Iterator[Waiting]:
    if read.reports.alike and read.view.state in _NOBODY_AT_WORK:
        yield Waiting.ALIKE
    if read.reports.awaits_receipt:
        yield Waiting.RECEIPT
    if any(one.waiting or one.state is WhistleState.ASKED for one in read.whistles.values()):
        yield Waiting.WHISTLE
    if any(one.state in (ExtensionState.ASKED, ExtensionState.BACKED) for one in read.requests.extensions.values()):
        yield Waiting.EXTENSION
    if any(one.state is SupervisionState.OPEN for one in read.requests.supervisions.values()):
        yield Waiting.REPLY
    if any(one.state is SupervisionState.REPLIED for one in read.requests.supervisions.values()):
        yield Waiting.SIGN_OFF
