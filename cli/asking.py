"""Asking the rules: what ``whistle explain`` sends to POST /v1/explain, and how it shows the answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
from rich.console import RenderableType
from rich.markup import escape
from rich.text import Text
from rich.tree import Tree

from cli import client
from cli.output import name_of, words
from cli.trouble import MISUSED, Trouble
from shared.vocabulary import Source

PAGE: Final = 200
PAGES: Final = 100
"""Twenty thousand rules are asked for at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A case, by its id or made up, and what is assumed about it."""

    case_id: str | None = None
    case: Mapping[str, Any] | None = None
    at: str | None = None
    mode: str | None = None
    all: bool = False

    def body(self, *, start: int = 0) -> dict[str, Any]:
        """Return it as the service reads it; with ``all`` the rules from place ``start`` on."""
        told = {"case_id": self.case_id, "case": self.case, "at": self.at, "mode": self.mode}
        body: dict[str, Any] = {name: value for name, value in told.items() if value is not None}
        if self.all:
            body |= {"all": True, "start": start, "count": PAGE}
        return body

    @property
    def assumes(self) -> bool:
        """Whether anything is otherwise than it was for the case."""
        return self.case is not None or self.at is not None or self.mode is not None


def made_up(
    area: str | None,
    category: str | None,
    *,
    text: str | None,
    source: Source,
    severity: int | None,
    tags: list[str] | None,
    point: tuple[float | None, float | None],
) -> dict[str, Any] | None:
    """The case that the options describe; None when they describe none.

    Raises:
        Trouble: the area or half of the point is missing.
    """
    told: dict[str, Any] = {
        "area": area,
        "category": category,
        "text": text,
        "severity": severity,
        "tags": tags or None,
    }
    told = {name: value for name, value in told.items() if value is not None}
    lon, lat = point
    if not told and lon is None and lat is None:
        return None
    if area is None or category is None or (lon is None) != (lat is None):
        raise Trouble(
            "The case is not described in full",
            why="only one of --lon and --lat was given"
            if area and category
            else "--area and --category are both needed",
            mend="whistle explain --area 990101001001 --category 03.001 --text '漏气'",
            status=MISUSED,
        )
    if lon is not None:
        told["place"] = {"lon": lon, "lat": lat}
    return {**told, "source": source.value}


def one_of(case: str | None, made: Mapping[str, Any] | None) -> None:
    """Refuse both a case and a made-up one, and neither.

    Raises:
        Trouble: saying how to name one.
    """
    if (case is None) == (made is None):
        raise Trouble(
            "It is not clear which case is meant" if case is not None else "There is no case to explain",
            why="both CASE and the options of a made-up one were given" if case is not None else "none was named",
            mend="whistle explain CASE, or `last`; or a made-up one: --area … --category … --text …",
            status=MISUSED,
        )


def ask(http: httpx.Client, question: Question) -> dict[str, Any]:
    """Return the answer, with every page of the rules when all are asked for.

    Raises:
        Trouble: the service refuses, or cannot be reached.
    """
    answer = _asked(http, question.body())
    walk = list(answer["walk"])
    for _ in range(PAGES):
        following = answer.get("next")
        if following is None:
            break
        answer = _asked(http, question.body(start=following))
        walk += answer["walk"]
    return {**answer, "walk": walk}


def _asked(http: httpx.Client, body: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = client.post(http, "/v1/explain", body)
    return answer


def parts_of(answer: Mapping[str, Any], question: Question) -> Iterator[RenderableType]:
    """The answer from top to bottom: who would get what, by which path, what all but held, what is in shadow."""
    playbook = answer["playbook"]
    yield Text("what the rules say" + _assumed(question), style="bold")
    yield f"  [dim]playbook {escape(playbook['version'])}, digest {playbook['digest'][:12]}…[/]"
    if answer["unrouted"]:
        yield "  [yellow]no rule gives it a lead: it goes to the duty desk of its area[/]"
    for order in answer["orders"]:
        yield _order(order)
    yield ""
    yield Text("every rule, in order" if question.all else "the matching path", style="bold")
    if not answer["walk"]:
        yield "  no rule held"
    for tried in answer["walk"]:
        yield _tried(tried)
    if answer["near_misses"]:
        yield ""
        yield Text("all but held", style="bold")
        for miss in answer["near_misses"]:
            tree = Tree(f"  rule [cyan]{escape(miss['rule_id'])}[/] {escape(miss['rule_title'])}")
            tree.add(condition_line(miss["failed"]))
            yield tree
    if answer["shadows"]:
        yield ""
        yield Text("in shadow, counted and not acted on", style="bold")
        for shadow in answer["shadows"]:
            tree = Tree(f"  rule [cyan]{escape(shadow['rule_id'])}[/] {escape(shadow['rule_title'])}")
            tree.add(escape(words({"zh": shadow["words"], "en": shadow["words_en"]})))
            yield tree


def _assumed(question: Question) -> str:
    parts = [f"at {question.at}"] if question.at is not None else []
    parts += [f"in mode {question.mode}"] if question.mode is not None else []
    return f", decided {' '.join(parts)}" if parts else ""


def _order(order: Mapping[str, Any]) -> Tree:
    about = f"step {order['step']}, " if order.get("step") else ""
    tree = Tree(
        f"  [bold]{escape(name_of(order['target']))}[/]  {about}{order['role']}, {order['level']}"
        f"  [dim]because {order['reason']}[/]"
    )
    tree.add(escape(words({"zh": order["words"], "en": order["words_en"]})))
    if order.get("on_duty"):
        tree.add(f"on duty: {escape(', '.join(order['on_duty']))}")
    if order.get("clock_profile"):
        tree.add(f"clocks: profile {escape(order['clock_profile'])}")
    return tree


def _tried(tried: Mapping[str, Any]) -> Tree:
    mark = "[green]✓[/]" if tried["held"] else "[red]✗[/]"
    title = escape(words({"zh": tried["title"], "en": tried["title_en"]}))
    notes = [] if tried["state"] == "active" else [tried["state"]]
    notes += [] if tried.get("in_force", True) else ["not in force that day"]
    notes += ["ends the walk"] if tried["ended"] else []
    notes += [] if tried.get("reached", True) else ["the walk had ended"]
    said = f"  [dim]({', '.join(notes)})[/]" if notes else ""
    tree = Tree(f"  {mark} rule [cyan]{escape(tried['rule_id'])}[/] {title}{said}")
    for condition in tried["conditions"]:
        tree.add(condition_line(condition))
    return tree


def condition_line(condition: Mapping[str, Any]) -> str:
    """One condition: what was asked, and what was there."""
    sign = "[green]✓ held[/]" if condition["held"] else "[red]✗ failed[/]"
    asked = f"{condition['field']} {condition['operator']} {condition['expected']}"
    return f"{sign}  {escape(asked)}  [dim]there was:[/] {escape(condition['actual'])}"
