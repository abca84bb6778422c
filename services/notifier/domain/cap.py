"""A case as a warning other systems read: OASIS Common Alerting Protocol 1.2.

The first version of a case is an Alert, a later one an Update, one that has ended a Cancel; both refer to the first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape

from services.notifier.domain.fold import CaseRead
from services.notifier.domain.time_words import CHINA
from services.notifier.domain.words import Names
from shared.vocabulary import CASE_ENDED, CaseState, Purpose, Severity

NAMESPACE: Final = "urn:oasis:names:tc:emergency:cap:1.2"
MEDIA_TYPE: Final = "application/cap+xml"

SEVERITIES: Final[Mapping[Severity, str]] = MappingProxyType(
    {Severity.I: "Extreme", Severity.II: "Severe", Severity.III: "Moderate", Severity.IV: "Minor"}
)
RADIUS_KM: Final = "0.0"
"""A case is at a point (CAP 1.2, 3.2.4: a circle of radius zero)."""

_NOT_IN_XML: Final = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def cap_of(read: CaseRead, names: Names) -> str:
    """The CAP 1.2 message that says how the case stands, valid by the schema."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<alert xmlns="{NAMESPACE}">{"".join(_alert(read))}<info>{"".join(_info(read, names))}</info></alert>\n'
    )


def message_type(read: CaseRead) -> str:
    """Alert, Update or Cancel, by the life of the case."""
    if read.view.state in CASE_ENDED:
        return "Cancel"
    return "Alert" if read.view.version == 1 else "Update"


def _alert(read: CaseRead) -> Iterator[str]:
    view, kind = read.view, message_type(read)
    first = _identifier(read, 1, view.opened_at)
    sent = view.opened_at if kind == "Alert" else read.updated_at
    yield _element("identifier", first if kind == "Alert" else _identifier(read, view.version, sent))
    yield _element("sender", _sender(read))
    yield _element("sent", _time(sent))
    yield _element("status", _status(read))
    yield _element("msgType", kind)
    yield _element("scope", "Restricted")
    yield _element("restriction", f"keys of area {view.area} and above")
    if kind != "Alert":
        yield _element("references", f"{_sender(read)},{first},{_time(view.opened_at)}")
    yield _element("incidents", str(view.case_id))


def _status(read: CaseRead) -> str:
    """A drill is an Exercise; what nobody has filed yet is a Draft: nobody is to act by it."""
    if read.view.purpose is not Purpose.REAL:
        return "Exercise"
    return "Draft" if read.view.state is CaseState.RECEIVED else "Actual"


def _info(read: CaseRead, names: Names) -> Iterator[str]:
    view = read.view
    category, area = names.category(view.area, view.category), names.area(view.area)
    yield _element("language", "zh-CN")
    yield _element("category", "Other")
    yield _element("event", category.zh)
    yield _element("urgency", _urgency(read))
    yield _element("severity", SEVERITIES[view.severity])
    yield _element("certainty", "Observed")
    yield f"<eventCode>{_element('valueName', 'whistle-category')}{_element('value', view.category)}</eventCode>"
    yield _element("senderName", f"{names.area(view.county).zh}指挥平台")
    yield _element("headline", view.title)
    if read.text:
        yield _element("description", read.text)
    yield f"<parameter>{_element('valueName', 'whistle-state')}{_element('value', view.state)}</parameter>"
    yield f"<area>{''.join(_area(read, area.zh))}</area>"


def _urgency(read: CaseRead) -> str:
    if read.view.state in CASE_ENDED:
        return "Past"
    return "Immediate" if read.view.severity is Severity.I else "Expected"


def _area(read: CaseRead, name: str) -> Iterator[str]:
    yield _element("areaDesc", name)
    if (place := read.view.place) is not None:
        yield _element("circle", f"{place.lat:.6f},{place.lon:.6f} {RADIUS_KM}")
    yield f"<geocode>{_element('valueName', 'whistle-area')}{_element('value', read.view.area)}</geocode>"


def _sender(read: CaseRead) -> str:
    return f"whistle.{read.view.county}"


def _identifier(read: CaseRead, version: int, sent: datetime) -> str:
    """One for each message: the facts of clocks change what is said without changing the version."""
    return f"{read.view.case_id}.{version}.{int(sent.timestamp())}"


def _time(at: datetime) -> str:
    """CAP has whole seconds and an offset, never ``Z``."""
    return at.astimezone(CHINA).isoformat(timespec="seconds")


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(_NOT_IN_XML.sub(' ', text))}</{name}>"
