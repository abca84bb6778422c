"""A report as it came in, and the case that it opens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from uuid import UUID

from services.intake.domain.life.commands import OpenCase
from services.intake.domain.modes import InForce, mode_of, must_be_drilled
from services.intake.domain.reading.classifying import Classified, classify
from services.intake.domain.reading.grading import Graded, grade
from services.intake.domain.reading.guessing import NO_OPINION, Opinion
from services.intake.domain.reading.vocabulary import vocabulary_of
from services.intake.domain.reports.locating import CountyMap, Placed, locate
from services.intake.domain.reports.texts import clean, title_of
from shared.events.envelope import WHISTLE, derive_id
from shared.events.parts import Actor, Guess, Photo, Place, PlaybookRef
from shared.masking import mask
from shared.playbook.model import Playbook
from shared.vocabulary import CaseState, Level, Purpose, Refused, Severity, Source

PLACE_GUESSED: Final = "place-guessed"
"""The tag of a case whose place the report's words alone have told."""
HANDED_FROM: Final = "handed-from:"
"""Before the county that a report about a place next door was sent to, in a tag."""
MOST_TAGS: Final = 32
LONGEST_WORD: Final = 64
CLOCKS_APART: Final = timedelta(minutes=10)
"""How far a sender's clock may run ahead of ours."""

BY_PHOTO: Final = "位置取自照片 / the place is the photo's"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """Who reported; kept encrypted in intake and nowhere else."""

    name: str = ""
    phone: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a source says, in its own words."""

    source: Source
    text: str
    area: str | None = None
    place: Place | None = None
    category: str | None = None
    severity: Severity | None = None
    severity_unknown: str = ""
    """A word for it that nobody here knows: passed over, and the case says so."""
    tags: tuple[str, ...] = ()
    reporter: Reporter | None = None
    occurred_at: datetime | None = None
    purpose: Purpose = Purpose.REAL
    secret: bool = False
    """The reporter asked that nobody be told who it was; the matter is shown to nobody outside."""
    photos: tuple[Photo, ...] = ()
    placed_by_photo: bool = False
    alone: bool = False
    """It is counted by a name of its own, as a warning is, and never compared with others by its words."""
    same_as: UUID | None = None
    """The case that the reporter says is theirs too."""


def report_id_of(owner: str, client_key: str) -> UUID:
    """The id of the report that ``owner`` sends under ``client_key``: the same each time it is sent."""
    return derive_id(_reports_of(owner), "report", client_key)


@lru_cache(maxsize=1024)
def _reports_of(owner: str) -> UUID:
    return derive_id(WHISTLE, "reports of", owner)


def case_id_of(report_id: UUID) -> UUID:
    """The id of the case that a report opens."""
    return derive_id(report_id, "case")


def tidy(report: Report, *, now: datetime) -> Report:
    """The report with its texts cleaned, nothing masked yet.

    Raises:
        Refused: a text holds control characters or nothing; or it happened in the future.
    """
    if report.occurred_at is not None and report.occurred_at > now + CLOCKS_APART:
        raise Refused("it has not happened yet", field="occurred_at", allowed=[f"a time up to now, {now.isoformat()}"])
    text = clean(report.text, field="text")
    if text is report.text and not report.tags and report.reporter is None:
        return report
    tags = (clean(tag, field=f"tags.{n}", lines=False) for n, tag in enumerate(report.tags))
    return replace(
        report,
        text=text,
        tags=tuple(dict.fromkeys(tags)),
        reporter=None if report.reporter is None else _tidy_reporter(report.reporter),
    )


def opening(  # noqa: PLR0913  what is known beside the report, each by its name
    report: Report,
    *,
    report_id: UUID,
    by: Actor,
    playbook: Playbook,
    county: CountyMap,
    opinion: Opinion = NO_OPINION,
    at: str = "",
) -> OpenCase:
    """The command that opens the case of a tidy report: placed, named, graded, masked.

    ``opinion`` is what the county's model thinks of its text; ``at`` the area inside which its words may name a
    place. A guess of the category that is too unsure leaves the case received, unless life may be at risk.

    Raises:
        Outside: the point lies outside the county.
        Refused: the playbook knows no such area or category, or nothing says where.
    """
    located = locate(report.area, report.place, playbook=playbook, county=county, text=report.text, at=at)
    classified = classify(report.category, report.text, playbook=playbook, opinion=opinion)
    words = vocabulary_of(playbook)
    graded = grade(
        report.severity,
        report.text,
        classified.category,
        policy=playbook.policy,
        named=report.category is not None,
        hits=words.hits(report.text) & words.grave,
    )
    text = mask(report.text)
    return OpenCase(
        case_id=case_id_of(report_id),
        report_id=report_id,
        by=by,
        county=playbook.county,
        area=located.area,
        area_why=f"{located.why}；{BY_PHOTO}" if report.placed_by_photo else located.why,
        level=playbook.desk_area(located.area, at_least=Level.VILLAGE).level,
        category=classified.category.code,
        category_why=mask(classified.why),
        condition=classified.condition,
        severity=graded.severity,
        severity_why=_why_so_grave(graded, report.severity_unknown),
        source=report.source,
        title=title_of(text),
        text=text,
        tags=_tags(report, located),
        place=report.place,
        playbook=PlaybookRef(version=playbook.version, digest=playbook.digest),
        purpose=report.purpose,
        secret=report.secret,
        photos=report.photos,
        state=_state(classified, graded, playbook),
        guess=None if classified.guess is None else _masked(classified.guess),
        handovers=graded.handovers,
    )


def _why_so_grave(graded: Graded, unknown: str) -> str:
    if not unknown:
        return graded.why
    return f"{graded.why}；不认识给出的等级「{mask(unknown)}」 / the severity that was given is not known"


def _state(classified: Classified, graded: Graded, playbook: Playbook) -> CaseState:
    """Received when the guess is too unsure for the county; an emergency waits for nobody."""
    guess = classified.guess
    unsure = guess is not None and guess.confidence < playbook.policy.person_below
    return CaseState.RECEIVED if unsure and not graded.handovers else CaseState.OPENED


def _tags(report: Report, located: Placed) -> tuple[str, ...]:
    """The report's own, masked, and what programs must know of its place."""
    tags = tuple(mask(tag) for tag in report.tags)
    return tuple(dict.fromkeys((*tags[: MOST_TAGS - 1], PLACE_GUESSED))) if located.guessed else tags


def _masked(guess: Guess) -> Guess:
    words = tuple(mask(word)[:LONGEST_WORD] for word in guess.words)
    return guess if words == guess.words else replace(guess, words=words)


def placed(
    command: OpenCase, *, modes: Sequence[InForce], earlier: Sequence[datetime], tracking: str | None = None
) -> OpenCase:
    """The command with what is known of its place when it opens: the mode in force, and earlier cases like it.

    ``tracking`` is the digest of the code that its reporter is given, if they are given one now.

    Raises:
        Refused: it is a drill where none is in force.
    """
    if command.purpose is Purpose.DRILL:
        must_be_drilled(command.area, modes)
    return replace(
        command,
        mode=mode_of(command.area, command.purpose, modes),
        earlier=tuple(earlier),
        tracking=command.tracking if tracking is None else tracking,
    )


def _tidy_reporter(reporter: Reporter) -> Reporter:
    return Reporter(
        name=_line(reporter.name, "reporter.name"),
        phone=_line(reporter.phone, "reporter.phone"),
        address=_line(reporter.address, "reporter.address"),
    )


def _line(text: str, field: str) -> str:
    return clean(text, field=field, lines=False) if text.strip() else ""
