"""Messages by CAP 1.2 as an office of warnings writes them."""

from __future__ import annotations

from tests.fakes.small_county import GAS_LEAK, WEST_VILLAGE

SENT = "2026-11-21T08:00:00+08:00"
SENDER = "weather@example.org"


def cap(  # noqa: PLR0917  each is one field of a message
    identifier: str,
    kind: str = "Alert",
    references: str = "",
    status: str = "Actual",
    severity: str = "Severe",
    words: str = "暴雨预警",
    area: str = f"<geocode><valueName>area</valueName><value>{WEST_VILLAGE}</value></geocode>",
    parameter: str = f"<parameter><valueName>category</valueName><value>{GAS_LEAK}</value></parameter>",
    sent: str = SENT,
) -> bytes:
    refers = f"<references>{references}</references>" if references else ""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
    <alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
      <identifier>{identifier}</identifier><sender>{SENDER}</sender><sent>{sent}</sent>
      <status>{status}</status><msgType>{kind}</msgType><scope>Public</scope>{refers}
      <info><category>Met</category><event>{words}</event><urgency>Immediate</urgency>
        <severity>{severity}</severity><certainty>Observed</certainty>{parameter}
        <area><areaDesc>西镇</areaDesc>{area}</area>
      </info>
    </alert>""".encode()
