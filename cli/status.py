"""``whistle status``: how many of what, right now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rich.table import Table

from cli import client, places
from cli.output import emit_json, out, say
from shared.vocabulary import Role, Severity


def status(
    *, url: places.Url = None, key: places.Key = None, data: places.Data = None, as_json: places.Json = False
) -> None:
    """Count cases, orders, clocks, escalations and deliveries."""
    where = places.find(url=url, key=key, data=data)
    with client.client(where.notifier_url(), where.key_for(Role.OPERATOR, Role.AUDITOR, Role.DESK)) as http:
        summary = client.get(http, "/v1/summary")
    if as_json:
        emit_json(summary)
        return
    out.print(table_of(summary))
    if not sum((summary.get("cases") or {}).values()):
        say("no case yet. next: [bold]whistle send '路灯坏了' --area 990101001001[/]")


def table_of(summary: Mapping[str, Any]) -> Table:
    """The counts, one row a group; groups that the service adds later show too."""
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column(style="bold")
    table.add_column(justify="right", style="cyan")
    table.add_column()
    for name, value in summary.items():
        if name in {"position", "now"}:
            continue
        if isinstance(value, Mapping):
            parts = [f"{_GRADES.get(key, key)} {count}" for key, count in value.items() if count]
            table.add_row(_title(name), str(sum(value.values())), "  ".join(parts))
        else:
            table.add_row(_title(name), str(value), "")
    return table


_GRADES: Final = {str(int(severity)): severity.name for severity in Severity}


def _title(name: str) -> str:
    return name.replace("_", " ")
