"""``whistle duties proposals``: what rulings say about the duty list, ready to be taken over."""

from __future__ import annotations

from typing import Annotated

import httpx
import typer
from rich.markup import escape
from rich.table import Table

from cli import client, places
from cli.output import emit_json, out, say
from shared.vocabulary import Role

app = typer.Typer(help="The duty list (权责清单).", no_args_is_help=True)


@app.callback()
def _duties() -> None:
    pass


@app.command()
def proposals(
    *,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print rows for duties.csv.")] = False,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Show whose duty desks above have ruled it to be, where the list was silent or contested."""
    where = places.find(url=url, key=key, data=data)
    with client.client(
        where.notifier_url(), where.key_for(Role.OPERATOR, Role.AUDITOR, Role.LEADER, Role.DESK)
    ) as http:
        if as_csv:
            print(_csv(http), end="")
            return
        told = client.get(http, "/v1/duty-proposals")
    if as_json:
        emit_json(told)
        return
    if not told["proposals"]:
        say("nobody has ruled on a duty yet")
        return
    table = Table(box=None, padding=(0, 2))
    for column in ("department", "category", "area", "power"):
        table.add_column(column)
    table.add_column("rulings", justify="right")
    table.add_column("such as")
    for one in told["proposals"]:
        cases = " ".join(str(case) for case in one["cases"][:2])
        row = (one["department"], one["category"], one["area"], one["power"] or "–", str(one["count"]), cases)
        table.add_row(*(escape(cell) for cell in row))
    out.print(table)
    say("next: [bold]whistle duties proposals --csv[/] prints them as rows for duties.csv")


def _csv(http: httpx.Client) -> str:
    try:
        response = http.get("/v1/duty-proposals", headers={"accept": "text/csv"})
    except httpx.HTTPError as error:
        raise client.unreachable(str(http.base_url), error) from error
    if not response.is_success:
        raise client.trouble_of(response)
    return response.text
