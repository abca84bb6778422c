"""``whistle explain CASE``: why it is where it is, by which rule, against which clocks, and what happened so far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

import httpx
import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from cli import client, places
from cli.output import SEVERITY_MARKS, emit_json, language, local_time, name_of, out, say, words
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import OrderRole, Role

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400


def explain(
    *,
    case: Annotated[str, typer.Argument(help="A case id, or `last` for the newest case.", metavar="CASE")],
    near: Annotated[bool, typer.Option("--all", help="Also the rules that all but matched.")] = False,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Say why a case is where it is: rule, playbook, conditions, clocks, timeline."""
    wanted = None if case == "last" else _uuid(case)
    where = places.find(url=url, key=key, data=data)
    with client.client(where.notifier_url(), where.key_for(Role.OPERATOR, Role.AUDITOR, Role.DESK)) as http:
        story = client.get(http, f"/v1/cases/{wanted or _newest(http)}")
    if as_json:
        emit_json(story)
        return
    for part in parts_of(story, near=near):
        out.print(part)
    say(f"\nnext: [bold]whistle explain {story['case']['case_id']} --all[/]" if not near else "")


def _newest(http: httpx.Client) -> str:
    cases = client.get(http, "/v1/cases", limit=1)["cases"]
    if not cases:
        raise Trouble("There is no case yet", why="the list of cases is empty", mend="whistle send '路灯坏了' --area …")
    return str(cases[0]["case_id"])


def _uuid(case: str) -> str:
    try:
        return str(UUID(case))
    except ValueError as error:
        raise Trouble(
            f"{case!r} is no case id",
            why="a case id is a UUID, such as whistle send and whistle tail print",
            mend="copy it from there, or write `last` for the newest case",
            status=MISUSED,
        ) from error


def parts_of(story: Mapping[str, Any], *, near: bool) -> Iterator[RenderableType]:
    """The whole story from top to bottom."""
    yield _head(story)
    yield ""
    yield Text("why here", style="bold")
    for order in sorted(story["orders"], key=_leads_first):
        yield _order(order, near=near)
    if not story["orders"]:
        yield "  no order yet"
    yield ""
    yield Text("clocks", style="bold")
    yield _clocks(story["clocks"])
    yield ""
    yield Text("timeline", style="bold")
    yield _timeline(story["timeline"])


def _leads_first(order: Mapping[str, Any]) -> tuple[bool, int]:
    return not order["stands"], _ROLES.index(order["role"])


_ROLES: Final = [role.value for role in OrderRole]


def _head(story: Mapping[str, Any]) -> RenderableType:
    case = story["case"]
    mark = SEVERITY_MARKS[case["severity"]]
    state = f"[bold cyan]{case['state']}[/] v{case['version']}"
    lines = [
        f"[bold]{escape(case['title'])}[/]  {mark}  {state}  [dim]{case['case_id']}[/]",
        f"  area      {case['area']}  [dim]{escape(story['area_why'])}[/]",
        f"  category  {case['category']}  [dim]{escape(story['category_why'])}[/]",
        f"  opened    {local_time(case['opened_at'], date=True)}   lead  {escape(name_of(case['lead']))}",
    ]
    if case.get("escalated_to"):
        lines.append(f"  [red]escalated to the {case['escalated_to']}[/]")
    return "\n".join(lines)


def _order(order: Mapping[str, Any], *, near: bool) -> Tree:
    state = order["state"] if order["stands"] else f"{order['state']} (no longer stands)"
    tree = Tree(
        f"[bold]{escape(name_of(order['target']))}[/]  {order['role']}, {order['level']}  [cyan]{state}[/]"
        f"  [dim]{local_time(order['issued_at'])} because {order['reason'] or 'not known yet'}[/]"
    )
    if order.get("withdrawn_why"):
        tree.add(f"withdrawn: {escape(order['withdrawn_why'])}")
    explanation = order.get("explanation")
    if explanation:
        _explanation(tree, explanation, near=near)
    return tree


def _explanation(tree: Tree, explanation: Mapping[str, Any], *, near: bool) -> None:
    tree.add(escape(words({"zh": explanation["words"], "en": explanation["words_en"]})))
    playbook = explanation["playbook"]
    if explanation.get("rule_id"):
        rule = tree.add(
            f"rule [bold cyan]{escape(explanation['rule_id'])}[/] {escape(explanation.get('rule_title') or '')}"
            f"  [dim]version {escape(explanation.get('rule_version') or '–')}[/]"
        )
        for condition in explanation.get("conditions") or ():
            rule.add(_condition(condition))
    else:
        for condition in explanation.get("conditions") or ():
            tree.add(_condition(condition))
    tree.add(f"[dim]playbook {escape(playbook['version'])}, digest {playbook['digest'][:12]}…[/]")
    if near:
        for miss in explanation.get("near_misses") or ():
            branch = tree.add(f"all but: rule [cyan]{escape(miss['rule_id'])}[/] {escape(miss['rule_title'])}")
            branch.add(_condition(miss["failed"]))


def _condition(condition: Mapping[str, Any]) -> str:
    sign = "[green]✓ held[/]" if condition["held"] else "[red]✗ failed[/]"
    asked = f"{condition['field']} {condition['operator']} {condition['expected']}"
    return f"{sign}  {escape(asked)}  [dim]there was:[/] {escape(condition['actual'])}"


def _clocks(clocks: list[Mapping[str, Any]]) -> RenderableType:
    if not clocks:
        return "  none has started yet"
    return Group(*(line for clock in clocks for line in _clock(clock)))


def _clock(clock: Mapping[str, Any]) -> Iterator[str]:
    if clock["running"]:
        left = clock["seconds_left"]
        state = f"[green]{span(left)} left[/]" if left >= 0 else f"[red]late by {span(-left)}[/]"
    else:
        state = "[dim]stopped[/]"
    breached = f"  [red]breached {local_time(clock['breached_at'])}[/]" if clock.get("breached_at") else ""
    moved = f"  [red]→ {clock['escalated_to']}[/]" if clock.get("escalated_to") else ""
    if clock.get("nobody_above"):
        moved = "  [red]nobody above[/]"
    yield (
        f"  [bold]{clock['kind']}[/] {escape(clock['limit'])}  due {local_time(clock['due_at'], date=True)}"
        f"  {state}{breached}{moved}  [dim]{escape(name_of(clock.get('target')))}[/]"
    )
    yield f"    [dim]{escape(clock['arithmetic'])}[/]"


def span(seconds: float) -> str:
    """A duration in the two units that matter."""
    whole = int(seconds)
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return f"{whole // MINUTE} min {whole % MINUTE} s"
    if whole < DAY:
        return f"{whole // HOUR} h {whole % HOUR // MINUTE} min"
    return f"{whole // DAY} d {whole % DAY // HOUR} h"


def _timeline(entries: list[Mapping[str, Any]]) -> Table:
    table = Table(box=None, padding=(0, 1), show_header=False)
    table.add_column(style="dim")
    table.add_column(style="cyan")
    table.add_column(overflow="fold")
    for entry in entries:
        said = escape(words(entry["words"]))
        note = f"  [dim]{escape(entry['note'])}[/]" if entry.get("note") else ""
        actor = entry["actor"]
        table.add_row(local_time(entry["at"], date=True), escape(actor.get("name") or actor["id"]), said + note)
        for why in entry.get("why") or ():
            if not why.get("explanation"):
                table.add_row("", "", f"[dim]{escape(why[language()])}[/]")
    return table
