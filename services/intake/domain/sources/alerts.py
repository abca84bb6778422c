"""An alert of a sensor or a monitoring system, by Alertmanager's words, as a message about one warning.

Labels are the alert's identity: the same labels are the same alert. ``area``, ``lon`` and ``lat``, ``category``,
``severity``, ``drill`` and ``alertname`` among them are understood; annotations are its words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from services.intake.domain.reports.report import CLOCKS_APART, Report
from services.intake.domain.sources.chains import Says
from shared.events.parts import Place
from shared.vocabulary import Purpose, Refused, Severity, Source, is_area

SEVERITIES: Final[Mapping[str, Severity]] = MappingProxyType(
    {
        **dict.fromkeys(("1", "i", "extreme", "emergency", "disaster"), Severity.I),
        **dict.fromkeys(("2", "ii", "severe", "critical", "error", "high"), Severity.II),
        **dict.fromkeys(("3", "iii", "moderate", "warning", "average"), Severity.III),
        **dict.fromkeys(("4", "iv", "minor", "info", "low"), Severity.IV),
    }
)
"""What the label ``severity`` may say; with any other word the category's own counts and the case says why."""

NO_TIME: Final = datetime(1, 1, 1, tzinfo=UTC)
"""What Alertmanager writes for a time that it does not know."""

MOST_OF_SEVERITY: Final = 64
_WORDS: Final = ("summary", "description", "message")
_TRUE: Final = frozenset({"true", "1", "yes"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert as it was posted; ``ends_at`` in the past says that it is resolved."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str] = field(default_factory=dict)
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def fingerprint(self) -> str:
        """The same for the same labels, in whatever order they come."""
        written = json.dumps(sorted(self.labels.items()), ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(written.encode()).hexdigest()

    def says(self, now: datetime) -> Says:
        """Whether it fires or has ended; one that is to end later still fires."""
        ended = self.ends_at is not None and self.ends_at != NO_TIME and self.ends_at <= now
        return Says.ENDS if ended else Says.FIRES

    def words(self) -> str:
        """What it says in words; its labels when nobody wrote any."""
        said = [self.annotations[name].strip() for name in _WORDS if self.annotations.get(name, "").strip()]
        labels = ", ".join(f"{name}={value}" for name, value in sorted(self.labels.items()))
        return "\n".join(dict.fromkeys(said)) or labels


def report_of(alert: Alert, *, area: str, now: datetime) -> Report:
    """The report that an alert is; ``area`` is its sender's, where it says none.

    Raises:
        Refused: a label that says where is wrong.
    """
    place = _place(alert.labels)
    said = alert.labels.get("severity", "").strip()
    severity = SEVERITIES.get(said.lower())
    name = alert.labels.get("alertname", "").strip()[:64]
    starts = alert.starts_at
    return Report(
        source=Source.SENSOR,
        text=alert.words()[:8000],
        area=_area(alert.labels) or (None if place is not None else area),
        place=place,
        category=alert.labels.get("category") or None,
        severity=severity,
        severity_unknown=said[:MOST_OF_SEVERITY] if severity is None else "",
        tags=(name,) if name else (),
        occurred_at=None if starts is None or starts == NO_TIME or starts > now + CLOCKS_APART else starts,
        purpose=Purpose.DRILL if alert.labels.get("drill", "").lower() in _TRUE else Purpose.REAL,
    )


def _area(labels: Mapping[str, str]) -> str | None:
    area = labels.get("area", "").strip()
    if area and not is_area(area):
        raise Refused("the label is no area code", field="labels.area", allowed=["6, 9, 12 or 15 digits"])
    return area or None


def _place(labels: Mapping[str, str]) -> Place | None:
    lon, lat = labels.get("lon", "").strip(), labels.get("lat", "").strip()
    if not lon and not lat:
        return None
    try:
        place = Place(lon=float(lon), lat=float(lat))
    except ValueError:
        raise _no_point() from None
    if not (-180 <= place.lon <= 180 and -90 <= place.lat <= 90):  # noqa: PLR2004  the whole earth
        raise _no_point()
    return place


def _no_point() -> Refused:
    return Refused("the labels are no point", field="labels.lon", allowed=["lon and lat in WGS-84 degrees"])
