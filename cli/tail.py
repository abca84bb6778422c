"""``whistle tail``: the live stream, one line an event; it goes on where it was after a break."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import httpx
import typer
from httpx_sse import ServerSentEvent, connect_sse
from rich.markup import escape

from cli import client, places
from cli.output import SEVERITY_MARKS, local_time, name_of, out, say, words
from cli.trouble import Trouble
from shared.vocabulary import Level, Role

FIRST_PAUSE_SECONDS: Final = 0.5
LONGEST_PAUSE_SECONDS: Final = 10.0
SILENCE_SECONDS: Final = 60.0
"""The stream sends a heartbeat at least every 15 seconds; longer silence is a dead connection."""

_ABOUT_THE_STREAM: Final = frozenset({"live", "heartbeat", "resync", "goodbye"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to listen to, and when to stop."""

    filters: Mapping[str, str]
    after: str | None
    count: int | None


def tail(
    *,
    area: Annotated[str | None, typer.Option(help="Only this area and what lies below it.")] = None,
    level: Annotated[Level | None, typer.Option(help="Only what concerns this level.")] = None,
    category: Annotated[str | None, typer.Option(help="Only this category and what lies below it.")] = None,
    severity: Annotated[int | None, typer.Option(min=1, max=4, help="Only this severity, 1 to 4.")] = None,
    kind: Annotated[str | None, typer.Option("--type", help="Only this type of event.")] = None,
    department: Annotated[str | None, typer.Option(help="Only what concerns this department.")] = None,
    after: Annotated[
        str | None, typer.Option(help="Begin after this position; 0 is the beginning.", metavar="POSITION")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", "-n", min=1, help="Stop after so many events.")] = None,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Follow what happens, live. Ctrl-C ends it."""
    chosen = {
        "area": area, "level": level and level.value, "category": category,
        "severity": None if severity is None else str(severity), "type": kind, "department": department,
    }  # fmt: skip
    wish = Wish(filters={name: value for name, value in chosen.items() if value}, after=after, count=count)
    where = places.find(url=url, key=key, data=data)
    address, token = where.notifier_url(), where.key_for(Role.OPERATOR, Role.AUDITOR, Role.DESK)
    try:
        with client.client(address, token) as http:
            for event in events(http, wish):
                show(event, as_json=as_json)
    except KeyboardInterrupt:
        return


def events(http: httpx.Client, wish: Wish) -> Iterator[ServerSentEvent]:
    """Yield the events of the stream, connecting again after a break from the last position seen.

    Raises:
        Trouble: when the service refuses, or has never answered.
    """
    position, seen, pause = wish.after, 0, FIRST_PAUSE_SECONDS
    heard = False
    while True:
        try:
            for event in _stream(http, wish.filters, position):
                heard, pause = True, FIRST_PAUSE_SECONDS
                position = event.id or position
                if event.event in _ABOUT_THE_STREAM or not event.data:
                    _tell(event)
                    continue
                yield event
                seen += 1
                if seen == wish.count:
                    return
        except httpx.HTTPError as error:
            if not heard:
                raise client.unreachable(str(http.base_url), error) from error
        say(f"[yellow]the stream ended[/]; listening again in {pause:g} s")
        time.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _stream(http: httpx.Client, filters: Mapping[str, str], position: str | None) -> Iterator[ServerSentEvent]:
    params = dict(filters) | ({} if position is None else {"after": position})
    timeout = httpx.Timeout(SILENCE_SECONDS, connect=5.0)
    with connect_sse(http, "GET", "/v1/stream", params=params, timeout=timeout) as source:
        if source.response.status_code in {502, 503, 504}:
            raise httpx.ConnectError(f"the service answered {source.response.status_code}")
        if not source.response.is_success:
            source.response.read()
            raise client.trouble_of(source.response)
        yield from source.iter_sse()


def _tell(event: ServerSentEvent) -> None:
    match event.event:
        case "resync":
            say("[yellow]older events are gone, or never were[/]; going on from now: `whistle status` has the counts")
        case "goodbye":
            say(f"[yellow]the service ends this stream[/] ({json.loads(event.data).get('reason', 'no reason')})")
        case _:
            return


def show(event: ServerSentEvent, *, as_json: bool) -> None:
    """Print one event on one line."""
    if as_json:
        out.print(event.data, markup=False, emoji=False)
        return
    try:
        told = json.loads(event.data)
    except ValueError as error:
        raise Trouble(
            "The stream sent something that is no JSON", why=str(error), mend="check that --url is Whistle's notifier"
        ) from error
    out.print(line_of(told, position=event.id))


def _in_its_place(told: Mapping[str, Any]) -> Mapping[str, Any]:
    """What stands where a case would: an early warning is about many, a circular about one that stays shut."""
    circular = told.get("circular")
    if circular:
        return {**circular, "title": circular["category"]}
    warning = (told.get("data") or {}).get("warning") or {}
    title = f"{warning.get('observed', '')} / {warning.get('usual', '')}"
    return {"severity": 4, "area": warning.get("area", ""), "title": title, "case_id": warning.get("warning_id", "")}


def line_of(told: Mapping[str, Any], *, position: str = "") -> str:
    """Time, severity, area, what happened, title; for an order also by which rule."""
    case = told["case"] or _in_its_place(told)
    mark = SEVERITY_MARKS.get(case["severity"], str(case["severity"]))
    happened = escape(words(told.get("words")) or told["type"])
    rule = ((told.get("data") or {}).get("explanation") or {}).get("rule_id")
    parts = [
        f"[dim]{local_time(told['time'])}[/]",
        mark,
        f"{case['area']:<12}",
        f"[bold]{happened}[/]",
        escape(case["title"]),
        f"[cyan]{escape(rule)}[/]" if rule else "",
        f"[dim]{case['case_id']}[/]",
        f"[dim]#{position}[/]" if position else "",
    ]
    if not told.get("words"):
        parts.insert(4, escape(name_of(case.get("lead"))))
    return "  ".join(part for part in parts if part)
