"""What every handler of intake is given, what it answers, and the events it makes of payloads."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import TYPE_CHECKING, Final
from uuid import UUID

import msgspec

from services.intake.domain.asking.actions import ActionRequest
from services.intake.domain.life.case import Case
from services.intake.domain.life.evolve import evolve
from services.intake.domain.moves.instructing import Left
from services.intake.domain.reading.guessing import NO_OPINION, Opinion
from services.intake.domain.reports.locating import CountyMap
from services.intake.domain.reports.report import Report
from services.intake.handlers.together import Together
from services.intake.ports import Answer, CaseStore, Change, Guesser, Playbooks, Tell, Vault
from shared.events.case import CaseEvent
from shared.events.envelope import Event, derive_id
from shared.playbook.model import Playbook
from shared.runtime.origin import current_origin
from shared.runtime.telemetry import current_traceparent
from shared.tracking import new_code
from shared.vocabulary import ModeKind, Refused

if TYPE_CHECKING:
    from services.intake.handlers.deeds import Deed
    from services.intake.handlers.papers import Paper

SOURCE: Final = "/whistle/intake"
_CODE: Final = re.compile(r'("tracking_code":")([^"\\]*)(")')
"""Where it stands in an answer: nothing that anybody writes there can look so, for its quotes are escaped."""
_HIDDEN: Final = "hidden:"
_FIELDS: Final[Mapping[type, Sequence[tuple[str, object]]]] = {
    kind: tuple((one.name, one.default) for one in fields(kind)) for kind in (Report, ActionRequest)
}
"""The fields of what is asked, each with what it is when nobody says it."""


class UnknownCase(Refused):
    """There is no case of that id."""


class KeyReused(Refused):
    """The client key was used before, for something else."""


class CountyMaps:
    """The map of each playbook in use, built once a digest."""

    def __init__(self, kept: int = 64) -> None:
        self._kept = kept
        self._maps: dict[str, CountyMap] = {}

    def of(self, playbook: Playbook) -> CountyMap:
        """The map of ``playbook``; the one not used for longest goes when there are more than were to be kept."""
        # Put back at the end: a dict keeps its order.
        found = self._maps.pop(playbook.digest, None) or CountyMap(playbook)
        self._maps[playbook.digest] = found
        if len(self._maps) > self._kept:
            del self._maps[next(iter(self._maps))]
        return found


class NothingLearned:
    """See ``ports.Guesser``; without a model the playbook's words go on alone."""

    def opinion(self, county: str, text: str) -> Opinion:  # noqa: ARG002  the port's own shape
        """See ``ports.Guesser.opinion``."""
        return NO_OPINION


class Silence:
    """See ``ports.Tell``; nobody counts."""

    def canary_sent(self) -> None:
        """See ``ports.Tell.canary_sent``."""

    def canary_closed(self) -> None:
        """See ``ports.Tell.canary_closed``."""

    def mode_entered(self, kind: ModeKind) -> None:
        """See ``ports.Tell.mode_entered``."""

    def settled(self, cases: int) -> None:
        """See ``ports.Tell.settled``."""

    def instructed(self, left: Left | None) -> None:
        """See ``ports.Tell.instructed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Doors:
    """Everything outside of a handler; ``clock`` says now."""

    store: CaseStore
    playbooks: Playbooks
    vault: Vault
    clock: Callable[[], datetime]
    maps: CountyMaps = field(default_factory=CountyMaps)
    guesser: Guesser = field(default_factory=NothingLearned)
    tell: Tell = field(default_factory=Silence)
    """What happens without anybody asking, told to whoever counts it."""
    codes: Callable[[], str] = new_code
    """The next tracking code."""
    papers: Together[Paper, Reply] = field(default_factory=Together)
    """Reports that wait to be kept, those of one moment by one transaction."""
    deeds: Together[Deed, Reply] = field(default_factory=Together)
    """Actions on cases, likewise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer in JSON; ``replayed`` when the same request was answered before."""

    body: str
    replayed: bool = False


def change_of(
    case: Case | None,
    payloads: Sequence[CaseEvent],
    *,
    at: datetime,
    traceparent: str | None = None,
    origin: str | None = None,
) -> Change:
    """The case after ``payloads`` and the events that carry them; at least one payload.

    An event's id follows from case and version alone, so that a repeat makes the same one. Without
    ``traceparent`` the events continue the trace that is open, without ``origin`` they come from where
    what is being done now came from.
    """
    traceparent = traceparent or current_traceparent()
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
    return Change(case=case, events=tuple(events), origin=origin or str(current_origin()))


def event_id_of(case_id: UUID, version: int) -> UUID:
    """The id of the event that brought a case to ``version``."""
    return derive_id(case_id, f"v{version}")


def canonical(request: Report | ActionRequest, *, first: Collection[str], case_id: UUID | None = None) -> bytes:
    """What was asked, in bytes that depend neither on how its JSON was written nor on what it leaves out.

    Only the fields that were there ``first`` stand in it always: an answer under a key outlives the
    release that gave it, so a field that comes later is written when it says something.
    """
    said: dict[str, object] = {}
    for name, default in _FIELDS[type(request)]:
        value = getattr(request, name)
        if name in first or (value is not default and value != default):
            said[name] = value
    return msgspec.json.encode(said if case_id is None else (str(case_id), said))


def answer_to_report(body: str, asked: bytes, vault: Vault) -> Answer:
    """The answer to a report as it is kept: the tracking code in it is the reporter's right, and stands nowhere."""
    fingerprint = vault.fingerprint(asked)

    def hidden(found: re.Match[str]) -> str:
        return f"{found[1]}{_HIDDEN}{vault.hide(found[2], about=fingerprint)}{found[3]}"

    return Answer(fingerprint=fingerprint, body=_CODE.sub(hidden, body, count=1))


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

    def shown(found: re.Match[str]) -> str:
        code = found[2].removeprefix(_HIDDEN)
        # Answers from before codes were hidden hold them as they are.
        return found[0] if code == found[2] else f"{found[1]}{vault.uncover(code, about=answer.fingerprint)}{found[3]}"

    return Reply(body=_CODE.sub(shown, answer.body, count=1), replayed=True)
