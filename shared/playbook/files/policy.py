"""`policy` of `playbook.yaml`: what the county decides of filing, merging, waiting and keeping."""

from typing import Annotated

from pydantic import Field

from shared.playbook import model
from shared.playbook.files.rows import Grade, Name, Row, Slug, Words
from shared.playbook.model import Text
from shared.vocabulary import CategoryCode, EmergencyService, Pattern, Source

Share = Annotated[float, Field(ge=0, le=1)]
SomeWords = Annotated[Words, Field(min_length=1)]
Days = Annotated[int, Field(ge=1, le=36_500)]


class MergingNode(Row):
    """When two reports are one matter (并案)."""

    metres: Annotated[int, Field(ge=1, le=20_000)] = 200
    """Points further apart are two matters, unless both texts name the same place."""
    hours: Annotated[int, Field(ge=0, le=8760)] = 168
    """How far back a matter is looked for, in continuous hours after its last report; 0 merges nothing."""
    sure: Share = 0.82
    """From this likeness on a report joins the case by itself."""
    unsure: Share = 0.55
    """From this likeness on the case is offered to the officer and to the reporter."""
    mass_reports: Annotated[int, Field(ge=2, le=10_000)] = 10
    """So many reports of one matter within `mass_hours` make it a mass matter."""
    mass_hours: Annotated[int, Field(ge=1, le=8760)] = 24
    raise_every: Annotated[int, Field(ge=1, le=10_000)] = 5
    """Each further so many reports raise the case's severity by one grade, up to II."""

    def value(self) -> model.Merging:
        return model.Merging(**self.model_dump())


class PauseReasonNode(Row):
    """A reason for which a case may be paused; without `days` for as long as it takes."""

    id: Slug
    zh: Name
    en: Name
    days: Annotated[int, Field(ge=1, le=3650)] | None = None

    def value(self) -> model.PauseReason:
        return model.PauseReason(id=self.id, name=Text(zh=self.zh, en=self.en), days=self.days)


class EmergencyNode(Row):
    """Words that hand a case to an emergency service at once, unless the text denies them."""

    service: EmergencyService
    words: SomeWords
    categories: Annotated[tuple[CategoryCode, ...], Field(max_length=64)] = ()
    """A report that names one of these, or one below, is handed over without any word."""

    def value(self) -> model.Emergency:
        return model.Emergency(service=self.service, words=self.words, categories=self.categories)


class GradingNode(Row):
    """Words that make a case at least so grave, unless the text denies them."""

    severity: Grade
    words: SomeWords

    def value(self) -> model.Grading:
        return model.Grading(severity=self.severity, words=self.words)


class NeighbourNode(Row):
    """A county next door and the telephone that takes its reports."""

    county: Annotated[str, Pattern(r"^[0-9]{6}$")]
    zh: Name
    en: Name
    phone: Annotated[str, Pattern(r"^[0-9+ -]{0,32}$")] = ""

    def value(self) -> model.Neighbour:
        return model.Neighbour(county=self.county, name=Text(zh=self.zh, en=self.en), phone=self.phone)


class RetentionNode(Row):
    """Natural days after closing for which what is personal is kept."""

    reporter_days: Days = 1095
    photo_days: Days = 1095
    client_key_days: Days = 30
    """How long a repeat under a client's key is still known."""

    def value(self) -> model.Retention:
        return model.Retention(**self.model_dump())


class PolicyNode(Row):
    """Figures and lists that the life of a case asks the county for."""

    returns_allowed: Annotated[int, Field(ge=0, le=9)] = 2
    """Returns of one case before the desk above decides for good (终审)."""
    reopen_hours: Annotated[int, Field(ge=0, le=8760)] = 72
    """Continuous hours after closing in which a case can be reopened."""
    person_below: Share = 0.0
    """A guess of the category with less confidence waits for a person; 0 never waits."""
    extensions_allowed: Annotated[int, Field(ge=0, le=9)] = 2
    hang_days: Annotated[int, Field(ge=0, le=3650)] = 365
    """A case is hung at most this many natural days ahead; 0 never."""
    appeal_days: Annotated[int, Field(ge=0, le=365)] = 15
    """Natural days after closing in which an appeal can be made; 0 never."""
    departments_may_call: bool = False
    """The department that leads a case may see its reporter's phone, to call about the matter."""
    reply_required: Annotated[tuple[Source, ...], Field(max_length=len(Source))] = ()
    """Sources whose cases are resolved only with the four elements of a reply."""
    merging: MergingNode = MergingNode()
    retention: RetentionNode = RetentionNode()
    pause_reasons: Annotated[tuple[PauseReasonNode, ...], Field(max_length=64)] = ()
    emergencies: Annotated[tuple[EmergencyNode, ...], Field(max_length=16)] = ()
    gradings: Annotated[tuple[GradingNode, ...], Field(max_length=16)] = ()
    neighbours: Annotated[tuple[NeighbourNode, ...], Field(max_length=64)] = ()

    def value(self) -> model.Policy:
        return model.Policy(
            returns_allowed=self.returns_allowed,
            reopen_hours=self.reopen_hours,
            person_below=self.person_below,
            extensions_allowed=self.extensions_allowed,
            hang_days=self.hang_days,
            appeal_days=self.appeal_days,
            departments_may_call=self.departments_may_call,
            reply_required=self.reply_required,
            merging=self.merging.value(),
            retention=self.retention.value(),
            pause_reasons=tuple(node.value() for node in self.pause_reasons),
            emergencies=tuple(node.value() for node in self.emergencies),
            gradings=tuple(node.value() for node in self.gradings),
            neighbours=tuple(node.value() for node in self.neighbours),
        )
