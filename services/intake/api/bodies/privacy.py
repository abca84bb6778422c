"""Bodies of looks at personal data, of their removal and of the audit."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, Field

from services.intake.api.bodies.parts import Body

Reason = Annotated[
    str, Field(min_length=1, max_length=500, description="Why; it stands in the audit beside who, when and from where.")
]
Phone = Annotated[str, Field(min_length=5, max_length=32)]


class RevealBody(Body):
    """Why the reporter has to be known."""

    reason: Reason


class ReporterSeenBody(BaseModel):
    """As much of the reporter as the key may see."""

    report_id: UUID
    case_id: UUID
    sight: Annotated[str, Field(description="full, partly (family name, masked phone), phone, or contact.")]
    secret: bool
    name: str | None = None
    phone: str | None = None
    address: str | None = None
    text: Annotated[str | None, Field(description="The report's own words, where masking took something out.")] = None
    contact: Annotated[str | None, Field(description="Through whom the reporter can be reached.")] = None


class PersonBody(Body):
    """Whose data are to be told."""

    phone: Phone
    reason: Reason


class ExportBody(BaseModel):
    """Everything that is kept of one person."""

    reports: list[dict[str, object]]
    complete: Annotated[bool, Field(description="false: there are more than one answer holds.")]


class EraseBody(Body):
    """What is to be taken out: every report of a phone, or one report."""

    phone: Phone | None = None
    report_id: UUID | None = None
    reason: Reason


class ErasedBody(BaseModel):
    """What was taken out; `left` is 1 when the same request has to be sent again for the rest."""

    reports: int
    photos: int
    left: int


class RetainBody(Body):
    """One step over a county's reports: from where the answer before left off."""

    dry_run: Annotated[bool, Field(description="Count only.")] = False
    after_at: AwareDatetime | None = None
    after_id: UUID | None = None


class RetainedBody(BaseModel):
    """What one step found; go on behind `after_at` and `after_id` while there is `more`."""

    outlived: int
    after_at: AwareDatetime
    after_id: UUID
    more: bool


class RewrapBody(Body):
    """Why the keys are changed; `after` goes on where the answer before left off."""

    reason: Reason
    after: UUID | None = None


class RewrappedBody(BaseModel):
    """What one step did; the old key may go when nothing is `left`, nothing `unreadable` and `after` is null."""

    rewrapped: Annotated[int, Field(description="Data keys that the newest key wraps now.")]
    left: Annotated[int, Field(description="Data keys that another one still wraps.")]
    resealed: Annotated[int, Field(description="Rows that a data key seals now.")]
    unreadable: Annotated[int, Field(description="Rows of this step that open with no key in force.")]
    after: UUID | None


class EntryBody(BaseModel):
    """One line of the audit."""

    entry: int
    turn: int
    at: AwareDatetime
    kind: Annotated[
        str,
        Field(
            description="A fact's event type; whistle.mode. and a state; or read, export, erase, retain, rewrap, drop."
        ),
    ]
    subject: UUID
    version: int
    event_id: UUID | None
    who: str
    key_id: str
    why: str
    origin: str
    digest: str


class EntriesBody(BaseModel):
    """Lines of the audit, oldest first; go on behind the last one's `turn` and `entry`."""

    entries: list[EntryBody]


class HeadBody(BaseModel):
    """The audit's last block; noted elsewhere, its head proves later that nothing before it was changed."""

    block: int
    head: str
    sealed_at: AwareDatetime | None
    waiting: Annotated[int, Field(description="Entries that no block holds yet.")]
    waiting_seconds: float


class FlawBody(BaseModel):
    """Where the audit first does not hold."""

    block: int
    entry: int | None
    words: str


class CheckedBody(BaseModel):
    """What one step of the check saw; go on behind `last` while there is `more`."""

    last: int
    entries: int
    head: str
    flaw: FlawBody | None
    more: bool


class FactsCheckedBody(BaseModel):
    """Whether cases have all their facts, and each its entry; go on behind `last` until it is null."""

    last: UUID | None
    flaw: FlawBody | None
