"""A comparison for people and for programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from cli.output import language
from cli.simulation.compare import Comparison
from cli.simulation.history import Read
from cli.simulation.outcome import Given
from cli.simulation.tally import Count, Difference, Load, Tally
from shared.playbook.model import Playbook, Text
from shared.vocabulary import OrderRole

CHANGES_SHOWN: Final = 20
LOADS_SHOWN: Final = 20
COLUMNS: Final = (
    "kind", "lead_before", "rule_before", "lead_after", "rule_after", "lost", "gained", "sets_before", "sets_after",
    "cases", "grave", "examples", "who", "orders_before", "orders_after",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What desks, departments and rules are called, in the draft or else in the playbook in force."""

    before: Playbook
    after: Playbook

    def who(self, who: str) -> str:
        """Return `燃气公司 (gas)` for `department/gas`."""
        kind, _, code = who.partition("/")
        for playbook in (self.after, self.before):
            if kind == "department" and code in playbook.departments:
                return f"{_said(playbook.departments[code].name)} ({code})"
            if kind == "desk" and code in playbook.areas:
                return f"{_said(playbook.desk_name(code))} ({code})"
        return code


def json_of(comparison: Comparison, read: Read) -> dict[str, Any]:
    """Everything, for programs."""
    tally = comparison.tally
    return {
        "before": _version(comparison.before),
        "after": _version(comparison.after),
        "cases": tally.cases,
        "unreadable": read.unreadable,
        "moved": tally.moved,
        "changed": tally.changed,
        "grave_moved": tally.grave_moved,
        "unrouted": _pair(tally.unrouted()),
        "rulings": _pair(tally.rulings()),
        "changes": [_change(difference, count) for difference, count in tally.changes()],
        "loads": [_load(load) for load in tally.loads()],
        "shadows": {rule: _pair(counts) for rule, counts in tally.shadows().items()},
    }


def csv_of(comparison: Comparison) -> str:
    """What changes and what everybody gets, as one table; `kind` is moved, changed or load."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for difference, count in comparison.tally.changes():
        lead_before, lead_after = difference.lead_before, difference.lead_after
        writer.writerow(
            {
                "kind": "moved" if difference.moved else "changed",
                "lead_before": lead_before.who if lead_before else "",
                "rule_before": lead_before.rule if lead_before else "",
                "lead_after": lead_after.who if lead_after else "",
                "rule_after": lead_after.rule if lead_after else "",
                "lost": " ".join(_short(order) for order in _sorted(difference.lost)),
                "gained": " ".join(_short(order) for order in _sorted(difference.gained)),
                "sets_before": "; ".join(difference.sets_before),
                "sets_after": "; ".join(difference.sets_after),
                "cases": count.cases,
                "grave": count.grave,
                "examples": " ".join(count.examples),
            }
        )
    for load in comparison.tally.loads():
        writer.writerow({"kind": "load", "who": load.who, "orders_before": load.before, "orders_after": load.after})
    return text.getvalue()


def shown(comparison: Comparison, read: Read) -> Iterator[RenderableType]:
    """The comparison from top to bottom, for people."""
    tally, names = comparison.tally, Names(before=comparison.before, after=comparison.after)
    yield from _head(comparison, read)
    changes = tally.changes()
    if changes:
        yield ""
        yield from (line for difference, count in changes[:CHANGES_SHOWN] for line in _lines(difference, count, names))
        if len(changes) > CHANGES_SHOWN:
            yield f"[dim]… and {len(changes) - CHANGES_SHOWN} more: --json or --csv has all[/]"
    yield ""
    yield _loads(tally.loads(), names)
    if tally.shadows():
        yield ""
        yield "[bold]rules in shadow would have acted[/]"
        for rule, (before, after) in tally.shadows().items():
            yield f"  [cyan]{escape(rule)}[/]  {before} → {after}"


def _head(comparison: Comparison, read: Read) -> Iterator[str]:
    tally, before, after = comparison.tally, comparison.before, comparison.after
    yield (
        f"[bold]{tally.cases}[/] cases of {before.county} {escape(_said(before.name))}: version "
        f"[cyan]{escape(before.version)}[/] ({before.digest[:12]}…) → [cyan]{escape(after.version)}[/] "
        f"({after.digest[:12]}…)"
    )
    yield (
        f"moved [bold]{tally.moved}[/] ({_share(tally.moved, tally.cases)}), of these severity I and II "
        f"[bold]{tally.grave_moved}[/]; changed in all {tally.changed}"
    )
    (unrouted, now_unrouted), (rulings, now_rulings) = tally.unrouted(), tally.rulings()
    yield f"unrouted {unrouted} → {now_unrouted};  for a ruling {rulings} → {now_rulings}"
    if read.unreadable:
        yield f"[yellow]{read.unreadable} records could not be read[/]; the first: {escape(read.first_reason)}"


def _lines(difference: Difference, count: Count, names: Names) -> Iterator[str]:
    mark = "[bold red]moved[/]" if difference.moved else "[yellow]changed[/]"
    grave = f"  [bold white on red] {count.grave} of severity I, II [/]" if count.grave and difference.moved else ""
    yield f"{mark} [bold]{count.cases}[/]  {_leads(difference, names)}{grave}"
    for sign, orders in (("-", difference.lost), ("+", difference.gained)):
        for order in _sorted(orders):
            yield f"    {sign} {order.role.value} {escape(names.who(order.who))} [dim]by {escape(order.rule)}[/]"
    if difference.sets_before or difference.sets_after:
        before, after = (", ".join(said) or "nothing" for said in (difference.sets_before, difference.sets_after))
        yield f"    sets {escape(before)} → {escape(after)}"
    yield f"    [dim]such as {' '.join(count.examples)}[/]"


def _leads(difference: Difference, names: Names) -> str:
    before, after = difference.lead_before, difference.lead_after
    if before is None or after is None:
        return "the same lead"
    who, next_who = escape(names.who(before.who)), escape(names.who(after.who))
    return f"{who} [dim]by {escape(before.rule)}[/] → {next_who} [dim]by {escape(after.rule)}[/]"


def _sorted(orders: Iterable[Given]) -> list[Given]:
    return sorted(orders, key=lambda order: (_ROLES.index(order.role), order.who))


_ROLES: Final = tuple(OrderRole)


def _short(order: Given) -> str:
    return f"{order.role.value}:{order.who}:{order.rule}"


def _loads(loads: Sequence[Load], names: Names) -> Table:
    table = Table(box=None, padding=(0, 2), title="orders each gets", title_justify="left", title_style="bold")
    table.add_column("who")
    for column in ("before", "after", "change", "leads before", "leads after"):
        table.add_column(column, justify="right")
    for load in islice(loads, LOADS_SHOWN):
        change = f"{load.change:+d}" if load.change else "="
        figures = (load.before, load.after, change, load.lead_before, load.lead_after)
        table.add_row(escape(names.who(load.who)), *(str(figure) for figure in figures))
    if len(loads) > LOADS_SHOWN:
        table.caption = f"… and {len(loads) - LOADS_SHOWN} more: --json or --csv has all"
        table.caption_justify = "left"
    return table


def _version(playbook: Playbook) -> Mapping[str, str]:
    return {"county": playbook.county, "version": playbook.version, "digest": playbook.digest}


def _change(difference: Difference, count: Count) -> Mapping[str, Any]:
    return {
        "moved": difference.moved,
        "lead_before": _order(difference.lead_before),
        "lead_after": _order(difference.lead_after),
        "lost": [_order(order) for order in _sorted(difference.lost)],
        "gained": [_order(order) for order in _sorted(difference.gained)],
        "sets_before": list(difference.sets_before),
        "sets_after": list(difference.sets_after),
        "cases": count.cases,
        "grave": count.grave,
        "examples": count.examples,
        "grave_examples": count.grave_examples,
    }


def _order(order: Given | None) -> Mapping[str, str] | None:
    return None if order is None else {"role": order.role.value, "who": order.who, "rule": order.rule}


def _load(load: Load) -> Mapping[str, Any]:
    return {
        "who": load.who,
        "before": load.before,
        "after": load.after,
        "lead_before": load.lead_before,
        "lead_after": load.lead_after,
    }


def _pair(counts: tuple[int, int]) -> Mapping[str, int]:
    return {"before": counts[0], "after": counts[1]}


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "–"


def _said(text: Text) -> str:
    return text.zh if language() == "zh" else text.en


def grave_examples(tally: Tally) -> list[str]:
    """Return some of the grave cases that move, to look at by ``whistle explain``."""
    return [case for difference, count in tally.changes() if difference.moved for case in count.grave_examples][:3]
