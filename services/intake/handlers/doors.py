"""What every handler of intake is given, what it answers, and the events it makes of payloads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from services.intake.domain.case import Case
from services.intake.domain.evolve import evolve
from services.intake.domain.locating import CellMap
from services.intake.ports import Answer, CaseStore, Change, Playbooks, Vault
from shared.events.case import CaseEvent
from shared.events.envelope import Event, derive_id
from shared.playbook.model import Playbook
from shared.runtime.telemetry import current_traceparent
from shared.vocabulary import Refused

SOURCE: Final = "/whistle/intake"


class UnknownCase(Refused):
    """There is no case of that id."""


class KeyReused(Refused):
    """The client key was used before, for something else."""


class CellMaps:
    """The cell map of each playbook in use, built once a digest."""

    def __init__(self, kept: int = 64) -> None:
        self._kept = kept
        self._maps: dict[str, CellMap] = {}

    def of(self, playbook: Playbook) -> CellMap:
        """The map of ``playbook``; the one not used for longest goes when there are more than were to be kept."""
        # Put back at the end: a dict keeps its order.
        found = self._maps.pop(playbook.digest, None) or CellMap(playbook.cells)
        self._maps[playbook.digest] = found
        if len(self._maps) > self._kept:
            del self._maps[next(iter(self._maps))]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Everything outside of a handler; ``clock`` says now."""

    store: CaseStore
    playbooks: Playbooks
    vault: Vault
    clock: Callable[[], datetime]
    maps: CellMaps = field(default_factory=CellMaps)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer in JSON; ``replayed`` when the same request was answered before."""

    body: str
    replayed: bool = False


def change_of(case: Case | None, payloads: Sequence[CaseEvent], *, at: datetime) -> Change:
    """The case after ``payloads`` and the events that carry them; at least one payload.

    An event's id follows from case and version alone, so that a repeat makes the same one.
    """
    traceparent = current_traceparent()
    events: list[Event[CaseEvent]] = []
    for payload in payloads:
        case = evolve(case, payload, at=at)
        case_id, version = case.view.case_id, case.view.version
        event = Event(
            id=event_id_of(case_id, version),
            source=SOURCE,
            subject=str(case_id),
            time=at,
            sequence=version,
            data=payload,
            traceparent=traceparent,
        )
        events.append(event)
    if case is None:
        raise ValueError("no events, no change")
    return Change(case=case, events=tuple(events))


def event_id_of(case_id: UUID, version: int) -> UUID:
    """The id of the event that brought a case to ``version``."""
    return derive_id(case_id, f"v{version}")


def replay(answer: Answer, asked: bytes, vault: Vault) -> Reply:
    """The answer given before.

    Raises:
        KeyReused: it was given to another request.
    """
    if not vault.matches(answer.fingerprint, asked):
        raise KeyReused(
            "this key was used before with another request",
            field="Idempotency-Key",
            allowed=["the same request again", "a new key"],
        )
    return Reply(body=answer.body, replayed=True)
