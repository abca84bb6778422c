"""``whistle send``: one report, followed until somebody has it."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import typer
from rich.markup import escape

from cli import client, places
from cli.batches import send_file
from cli.output import SEVERITY_MARKS, emit_json, name_of, out, say, words
from cli.sending import Tally
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import Role, Source

FOLLOW_SECONDS: Final = 15.0
ASK_AGAIN_SECONDS: Final = 0.3
REASONS_SHOWN: Final = 20


def send(
    *,
    text: Annotated[str | None, typer.Argument(help="What is the matter, in free words.")] = None,
    source: Annotated[Source, typer.Option(help="Where the report comes from.")] = Source.RESIDENT,
    area: Annotated[str | None, typer.Option(help="Area code: 6, 9, 12 or 15 digits.")] = None,
    lon: Annotated[float | None, typer.Option(help="Longitude, WGS-84 degrees; with --lat.")] = None,
    lat: Annotated[float | None, typer.Option(help="Latitude, WGS-84 degrees; with --lon.")] = None,
    address: Annotated[str | None, typer.Option(help="The place in words; stays encrypted in intake.")] = None,
    category: Annotated[str | None, typer.Option(help="A category of the playbook; found by words if absent.")] = None,
    severity: Annotated[int | None, typer.Option(min=1, max=4, help="1 (I, red) to 4 (IV, blue).")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be given several times.")] = None,
    drill: Annotated[bool, typer.Option("--drill", help="A drill's report, where a drill mode is in force.")] = False,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", help="A report as JSON instead of options; - reads stdin.")
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option("--batch", help="Many reports, one as JSON a line; - reads stdin."),
    ] = None,
    idempotency_key: Annotated[str | None, typer.Option(help="Your own id: a repeat makes no second case.")] = None,
    follow: Annotated[bool, typer.Option(help="Wait until the case has an order, and say who has it.")] = True,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Send one report and say what became of it, or a file of them and count what became of each."""
    if batch is not None:
        where = places.find(url=url, key=key, data=data)
        with client.client(where.intake_url(), where.key_for(Role.OPERATOR, Role.SOURCE)) as http:
            _show_tally(send_file(http, batch, key=idempotency_key), as_json=as_json)
        return
    if file is not None:
        report = read_report(file)
    else:
        report = report_of(
            {
                "source": source.value,
                "text": text,
                "area": area,
                "category": category,
                "severity": severity,
                "tags": tag,
                "drill": drill or None,
            },
            lon=lon,
            lat=lat,
            address=address,
        )
    where = places.find(url=url, key=key, data=data)
    with client.client(where.intake_url(), where.key_for(Role.OPERATOR, Role.SOURCE)) as http:
        accepted, trace = _post(http, report, idempotency_key)
    if as_json:
        emit_json(accepted)
    else:
        _show(accepted, trace)
    if follow and not as_json:
        _follow_if_possible(where, accepted["case_id"])


def report_of(
    fields: Mapping[str, Any], *, lon: float | None, lat: float | None, address: str | None
) -> dict[str, Any]:
    """The body of a report from options.

    Raises:
        Trouble: when there is no text, or half a point.
    """
    if not fields.get("text"):
        raise Trouble(
            "There is nothing to send",
            why="no text was given",
            mend="whistle send '路灯坏了' --area 990101001001, or --file report.json",
            status=MISUSED,
        )
    if (lon is None) != (lat is None):
        raise Trouble(
            "Half a point says no place",
            why="only one of --lon and --lat was given",
            mend="give both, or --area",
            status=MISUSED,
        )
    report = {name: value for name, value in fields.items() if value is not None and value != []}
    if lon is not None and lat is not None:
        report["place"] = {"lon": lon, "lat": lat} | ({"address": address} if address else {})
    elif address:
        report["reporter"] = {"address": address}
    return report


def read_report(file: Path) -> dict[str, Any]:
    """A report from a JSON file, or from stdin for ``-``.

    Raises:
        Trouble: when it cannot be read or is no JSON object.
    """
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        report = json.loads(text)
    except OSError as error:
        raise Trouble(f"{file} cannot be read", why=error.strerror or str(error), mend="check the path") from error
    except ValueError as error:
        raise Trouble(
            f"{file} is no JSON", why=str(error), mend='write it like {"source": "hotline", "text": "…", "area": "…"}'
        ) from error
    if not isinstance(report, dict):
        raise Trouble(
            f"{file} holds no report", why="it is no JSON object", mend="send many reports with `whistle replay`"
        )
    return report


def _post(http: httpx.Client, report: Mapping[str, Any], idempotency_key: str | None) -> tuple[dict[str, Any], str]:
    try:
        response = http.post(
            "/v1/reports", json=report, headers={"idempotency-key": idempotency_key} if idempotency_key else {}
        )
    except httpx.HTTPError as error:
        raise client.unreachable(str(http.base_url), error) from error
    accepted: dict[str, Any] = client.answer_of(response)
    return accepted, response.headers.get("traceresponse", "").partition("-")[2].partition("-")[0]


def _show(accepted: Mapping[str, Any], trace: str) -> None:
    why = accepted.get("why") or {}
    out.print(f"[bold green]✓[/] case [bold]{accepted['case_id']}[/]  {SEVERITY_MARKS[accepted['severity']]}")
    out.print(f"  area      {accepted['area']}  {escape(why.get('area', ''))}")
    out.print(f"  category  {accepted['category']}  {escape(why.get('category', ''))}")
    if trace:
        out.print(f"  trace     {trace}")


def _show_tally(tally: Tally, *, as_json: bool) -> None:
    """What became of the lines.

    Raises:
        typer.Exit: with 1, when lines were refused.
    """
    if as_json:
        counted = {"accepted": tally.accepted, "repeated": tally.repeated, "refused": tally.refused}
        emit_json(counted | {"reasons": dict(tally.reasons), "first_lines": tally.examples})
    else:
        out.print(f"accepted {tally.accepted}, there already {tally.repeated}, refused {tally.refused}")
        for reason, count in tally.reasons.most_common(REASONS_SHOWN):
            out.print(f"  {count:>7}  {escape(reason)}  [dim]first in line {tally.examples[reason]}[/]")
    if tally.refused:
        raise typer.Exit(1)


def _follow_if_possible(where: places.Places, case_id: str) -> None:
    """The report is accepted whatever happens now: a source's key may send and not read, a notifier may be away."""
    try:
        with client.client(where.notifier_url(), where.key_for(Role.OPERATOR, Role.AUDITOR)) as http:
            _follow(http, case_id)
    except Trouble as trouble:
        say(f"[yellow]accepted, but it cannot be followed from here[/]: {escape(trouble.what)}; {escape(trouble.why)}")


def _follow(http: httpx.Client, case_id: str) -> None:
    """Ask until the case has an order; the read side needs a moment to hear of it."""
    deadline = time.monotonic() + FOLLOW_SECONDS
    while time.monotonic() < deadline:
        issued = _orders(http, case_id)
        if issued:
            for order in issued:
                reason = words(_words_of(order.get("explanation")))
                out.print(f"  → {order['role']:<8}[bold]{escape(name_of(order['target']))}[/]  {escape(reason)}")
            say(f"\nnext: [bold]whistle explain {case_id}[/]   [bold]whistle tail[/]")
            return
        time.sleep(ASK_AGAIN_SECONDS)
    say(f"[yellow]no order yet after {FOLLOW_SECONDS:g} s[/]: `whistle doctor` looks for the cause")


def _orders(http: httpx.Client, case_id: str) -> list[dict[str, Any]]:
    try:
        response = http.get(f"/v1/cases/{case_id}")
    except httpx.HTTPError as error:
        raise client.unreachable(str(http.base_url), error) from error
    if response.status_code == httpx.codes.NOT_FOUND:
        return []
    orders: list[dict[str, Any]] = client.answer_of(response).get("orders") or []
    return orders


def _words_of(explanation: Mapping[str, Any] | None) -> Mapping[str, str] | None:
    return explanation and {"zh": explanation["words"], "en": explanation["words_en"]}
