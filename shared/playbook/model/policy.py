"""Figures and lists that the life of a case asks the county for."""

from dataclasses import dataclass

from shared.playbook.model.texts import Text
from shared.vocabulary import AreaCode, CategoryCode, EmergencyService, Severity, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Merging:
    """When two reports are one matter (并案); scores are 0 to 1."""

    metres: int = 200
    """Points further apart than this are two matters, unless both texts name the same place."""
    hours: int = 168
    """How far back a matter is looked for, in continuous hours after its last report; 0 merges nothing."""
    sure: float = 0.82
    """From this score on a report joins the case by itself."""
    unsure: float = 0.55
    """From this score on the case is offered to the officer and to the reporter."""
    mass_reports: int = 10
    """So many reports of one matter within ``mass_hours`` make it a mass matter."""
    mass_hours: int = 24
    raise_every: int = 5
    """Each further so many reports raise the case's severity by one grade, up to II."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseReason:
    """A reason for which a case may be paused; ``days`` at most, natural, None for as long as it takes."""

    id: str
    name: Text
    days: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Emergency:
    """Words that hand a case to an emergency service at once."""

    service: EmergencyService
    words: tuple[str, ...]
    categories: tuple[CategoryCode, ...] = ()
    """A report that names one of these, or one below, is handed over without any word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grading:
    """Words that make a case at least as grave as ``severity``, whatever its category."""

    severity: Severity
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A county next door: reports from there go to it when its playbook is known here, else its phone is told."""

    county: AreaCode
    name: Text
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many natural days after closing what is personal is kept; statistics stay for ever."""

    reporter_days: int = 1095
    photo_days: int = 1095
    client_key_days: int = 30
    """How long a repeat under a client's key is still known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Figures the state machine of a case asks the county for."""

    returns_allowed: int = 2
    """Returns of one case before the desk above decides for good (终审)."""
    reopen_hours: int = 72
    """Continuous hours after closing in which a case can be reopened."""
    person_below: float = 0.0
    """A guess of the category with less confidence than this waits for a person; 0 never waits."""
    extensions_allowed: int = 2
    hang_days: int = 365
    """A case is hung at most this many natural days ahead, and once a round."""
    departments_may_call: bool = False
    """The department that leads a case may see its reporter's phone."""
    appeal_days: int = 15
    """Natural days after closing in which an appeal can be made."""
    reply_required: tuple[Source, ...] = ()
    """Sources whose cases are resolved only with the four elements of a reply."""
    merging: Merging = Merging()
    retention: Retention = Retention()
    pause_reasons: tuple[PauseReason, ...] = ()
    emergencies: tuple[Emergency, ...] = ()
    gradings: tuple[Grading, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
