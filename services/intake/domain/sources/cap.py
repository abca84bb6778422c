"""A warning by the Common Alerting Protocol 1.2 as a message about one case.

``Actual`` is real and ``Exercise`` a drill; ``Test``, ``Draft`` and ``System`` are kept out. ``Update`` and ``Cancel``
speak of the messages that they refer to; ``Ack`` and ``Error`` are about messages, not about the world.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Final

from services.intake.domain.reports.report import CLOCKS_APART, Report
from services.intake.domain.sources.chains import Says
from shared.events.parts import Place
from shared.vocabulary import Purpose, Refused, Severity, Source

SEVERITIES: Final[Mapping[str, Severity]] = MappingProxyType(
    {"Extreme": Severity.I, "Severe": Severity.II, "Moderate": Severity.III, "Minor": Severity.IV}
)
"""CAP's grades and ours; with ``Unknown`` the category's own counts."""

PURPOSES: Final = MappingProxyType({"Actual": Purpose.REAL, "Exercise": Purpose.DRILL})

MOST_OF_TEXT: Final = 8000
MOST_OF_NOTE: Final = 2000


@unique
class MessageType(StrEnum):
    """What kind of message it is."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


@dataclass(frozen=True, slots=True, kw_only=True)
class CapAlert:
    """What one message says, of its first ``info`` block; ``reference`` is ``sender,identifier,sent``."""

    reference: str
    status: str
    kind: MessageType
    references: tuple[str, ...] = ()
    event: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    severity: str = "Unknown"
    onset: datetime | None = None
    area_names: tuple[str, ...] = ()
    area_code: str | None = None
    category: str | None = None
    place: Place | None = None
    """A point inside the area."""

    def words(self) -> str:
        """What it says, without anything twice."""
        where = "、".join(self.area_names)
        said = (self.headline, self.event, self.description, self.instruction, where)
        return "\n".join(dict.fromkeys(part.strip() for part in said if part.strip()))


SAYS: Final[Mapping[MessageType, Says]] = MappingProxyType(
    {MessageType.ALERT: Says.FIRES, MessageType.UPDATE: Says.UPDATES, MessageType.CANCEL: Says.ENDS}
)
"""What a message means for its case; one that is not here is about messages alone."""


def purpose_of(alert: CapAlert) -> Purpose:
    """Real or a drill.

    Raises:
        Refused: a status that is not meant for anybody to act on.
    """
    found = PURPOSES.get(alert.status)
    if found is None:
        raise Refused(f"a message of status {alert.status} is kept out", field="status", allowed=list(PURPOSES))
    return found


def report_of(alert: CapAlert, *, area: str, now: datetime) -> Report:
    """The report that a message is; ``area`` is its sender's, where it names none that we know.

    Raises:
        Refused: see `purpose_of`; or it says nothing in words.
    """
    words = alert.words()
    if not words and alert.kind is not MessageType.CANCEL:
        raise Refused("the message says nothing", field="info", allowed=["an info block with event or headline"])
    nowhere = alert.area_code is None and alert.place is None
    onset = alert.onset
    return Report(
        source=Source.HANDOVER,
        alone=True,
        text=words[:MOST_OF_TEXT] or alert.kind,
        area=area if nowhere else alert.area_code,
        place=alert.place,
        category=alert.category,
        severity=SEVERITIES.get(alert.severity),
        tags=(alert.event.strip()[:64],) if alert.event.strip() else (),
        occurred_at=None if onset is None or onset > now + CLOCKS_APART else onset,
        purpose=purpose_of(alert),
    )


def note_of(alert: CapAlert) -> str:
    """What its case is told."""
    return (alert.words() or str(alert.kind))[:MOST_OF_NOTE]
