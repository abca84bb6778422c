"""``whistle explain CASE``: why it is where it is, by which rule, against which clocks, and what happened so far."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Final
from uuid import UUID

import httpx
import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from cli import asking, client, places
from cli.output import SEVERITY_MARKS, emit_json, language, local_time, name_of, say, show, words
from cli.simulate import instant_of
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import OrderRole, Role, Source

MINUTE: Final = 60
HOUR: Final = 3600
DAY: Final = 86400


def explain(
    *,
    case: Annotated[str | None, typer.Argument(help="A case id, or `last` for the newest.", metavar="CASE")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also every rule with what held and what failed.")] = False,
    at: Annotated[str | None, typer.Option("--at", help="As if decided at this instant.", metavar="INSTANT")] = None,
    mode: Annotated[str | None, typer.Option("--mode", help="As if this mode were in force.", metavar="MODE")] = None,
    area: Annotated[str | None, typer.Option(help="Instead of CASE: a case in this area …")] = None,
    category: Annotated[str | None, typer.Option(help="… of this category …")] = None,
    text: Annotated[str | None, typer.Option(help="… with this text …")] = None,
    source: Annotated[Source, typer.Option(help="… from this source …")] = Source.HOTLINE,
    severity: Annotated[int | None, typer.Option(min=1, max=4, help="… of this severity, 1 to 4 …")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="… with this tag; several times …")] = None,
    lon: Annotated[float | None, typer.Option(help="… at this longitude …")] = None,
    lat: Annotated[float | None, typer.Option(help="… and latitude.")] = None,
    url: places.Url = None,
    key: places.Key = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Say why a case is where it is; or what the rules would say of it at another time, in another mode, or made up."""
    moment = instant_of(at)
    made = asking.made_up(area, category, text=text, source=source, severity=severity, tags=tag, point=(lon, lat))
    asking.one_of(case, made)
    wanted = None if case in {None, "last"} else _uuid(case or "")
    where = places.find(url=url, key=key, data=data)
    with client.client(where.notifier_url(), where.key_for(Role.OPERATOR, Role.AUDITOR, Role.DESK)) as http:
        case_id = None if made is not None else wanted or _newest(http)
        told_at = None if moment is None else moment.isoformat()
        question = asking.Question(case_id=case_id, case=made, at=told_at, mode=mode, all=every)
        story = None if question.assumes else client.get(http, f"/v1/cases/{case_id}")
        answer = asking.ask(http, question) if question.assumes or every else None
    if as_json:
        emit_json(answer if story is None else story if answer is None else {**story, "asked": answer})
        return
    if story is not None:
        _print(parts_of(story, near=every))
    if answer is not None:
        _print(asking.parts_of(answer, question))
    if not every:
        say(f"\nnext: [bold]whistle explain {case_id or '…'} --all[/]")


def _print(parts: Iterable[RenderableType]) -> None:
    for part in parts:
        show(part)


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
            rule.add(asking.condition_line(condition))
    else:
        for condition in explanation.get("conditions") or ():
            tree.add(asking.condition_line(condition))
    tree.add(f"[dim]playbook {escape(playbook['version'])}, digest {playbook['digest'][:12]}…[/]")
    if near:
        for miss in explanation.get("near_misses") or ():
            branch = tree.add(f"all but: rule [cyan]{escape(miss['rule_id'])}[/] {escape(miss['rule_title'])}")
            branch.add(asking.condition_line(miss["failed"]))
        for shadow in explanation.get("shadows") or ():
            branch = tree.add(f"in shadow: rule [cyan]{escape(shadow['rule_id'])}[/] {escape(shadow['rule_title'])}")
            branch.add(escape(words({"zh": shadow["words"], "en": shadow["words_en"]})))


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
    yield from chain_lines(clock)


def chain_lines(clock: Mapping[str, Any]) -> Iterator[str]:
    """The ladder that the clock keeps: what was done, and what comes unless it stops before."""
    if not clock.get("chain"):
        return
    yield f"    chain [cyan]{escape(clock['chain'])}[/] {escape(words(clock['chain_title']))}"
    for step in clock["steps"]:
        to = ", ".join(name_of(told["target"]) for told in step["to"])
        yield f"      {local_time(step['fired_at'], date=True)}  {_step(step)}  [dim]{escape(to)}[/]"
    for step in clock["ahead"]:
        yield f"      [dim]{local_time(step['at'], date=True)}  {_step(step)}  to come[/]"


def _step(step: Mapping[str, Any]) -> str:
    nth = f" #{step['nth']}" if step["nth"] > 1 else ""
    return f"{step['action']}{nth}  {escape(words(step['title']))}"


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
    table.add_column(style="dim", no_wrap=True)
    table.add_column(style="cyan", overflow="fold")
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
