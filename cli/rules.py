"""``whistle rules check``: what is worth a look in a sound playbook, and the cases beside its rules as tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from cli import places
from cli.output import emit_json, language, out, say
from cli.trouble import FAILED
from shared.playbook.check.advice.advice import Advice, Subject, Weight

if TYPE_CHECKING:
    from cli.rule_cases import Tried
    from shared.playbook.load import Loaded

app = typer.Typer(help="Look into the rules of a playbook.", no_args_is_help=True)

MARKS: Final[Mapping[Weight, str]] = {
    Weight.MISTAKE: "[bold red]✗[/]",
    Weight.LOOK: "[yellow]![/]",
    Weight.NOTE: "[dim]–[/]",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Advice with its file and line, and those of the other item that it speaks of."""

    advice: Advice
    file: str
    line: int
    other_line: int | None


@app.callback()
def _rules() -> None:
    pass


@app.command()
def check(
    *,
    folder: Annotated[Path, typer.Argument(help="The playbook's folder.", exists=True, file_okay=False)] = Path(),
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 when there is anything but notes.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Leave the notes out.")] = False,
    as_json: places.Json = False,
) -> None:
    """Find rules that never act, overlaps, gaps and old dates; run cases.yaml. Exit status 1 when a case fails."""
    from cli.in_force import read_located
    from cli.rule_cases import try_all
    from shared.playbook.check.advice import advise
    from shared.runtime.clock import utc_now

    now = utc_now()
    loaded = read_located(folder)
    placed = [_placed(advice, loaded) for advice in advise(loaded.playbook, today=now.date())]
    told = [one for one in placed if not (quiet and one.advice.weight is Weight.NOTE)]
    tried = list(try_all(_cases(folder, loaded), loaded.playbook, now=now))
    for one in told:
        _show(one, as_json=as_json)
    for case in tried:
        _show_case(case, as_json=as_json)
    failed = sum(bool(case.wrong) for case in tried)
    counts = Counter(one.advice.weight for one in placed)
    if as_json:
        emit_json(_summary(loaded, counts, tried))
    else:
        say(_last_line(folder, loaded, counts=counts, tried=tried))
    if failed or (strict and (counts[Weight.MISTAKE] or counts[Weight.LOOK])):
        raise typer.Exit(FAILED)


def _cases(folder: Path, loaded: Loaded) -> Sequence[Any]:
    from cli.in_force import bad_playbook
    from shared.playbook.cases import read_cases
    from shared.playbook.problems import BadPlaybook

    try:
        return read_cases(folder, loaded.playbook)
    except BadPlaybook as bad:
        raise bad_playbook(bad, f"The cases of {folder} cannot be run") from bad


def _placed(advice: Advice, loaded: Loaded) -> Placed:
    place = loaded.place(advice.part, advice.item)
    other = loaded.place(advice.part, advice.other).line if advice.other is not None else None
    return Placed(advice=advice, file=place.file, line=place.line_of(advice.path), other_line=other)


def _show(placed: Placed, *, as_json: bool) -> None:
    advice = placed.advice
    if as_json:
        emit_json(
            {
                "kind": "advice",
                "subject": advice.subject.value,
                "weight": advice.weight.value,
                "file": placed.file,
                "line": placed.line,
                "other_line": placed.other_line,
                "what": advice.what,
                "why": advice.why,
                "mend": advice.mend,
            }
        )
        return
    where = f"{placed.file}:{placed.line}" if placed.line else placed.file
    other = f" [dim](the other: line {placed.other_line})[/]" if placed.other_line else ""
    out.print(f"{MARKS[advice.weight]} [bold]{escape(where)}[/]  {escape(advice.what)}{other}")
    out.print(f"    [bold]why[/]   {escape(advice.why)}")
    if advice.weight is not Weight.NOTE or advice.subject is Subject.OVERLAPS:
        out.print(f"    [bold]mend[/]  {escape(advice.mend)}")


def _show_case(tried: Tried, *, as_json: bool) -> None:
    worked = tried.worked
    if as_json:
        wrong = [{"field": one.field, "expected": one.expected, "actual": one.actual} for one in tried.wrong]
        emit_json(
            {
                "kind": "case",
                "name": worked.node.name,
                "file": worked.place.file,
                "line": worked.place.line,
                "passed": not tried.wrong,
                "wrong": wrong,
                "explanation": _why(tried),
            }
        )
        return
    mark = "[bold red]✗[/]" if tried.wrong else "[green]✓[/]"
    out.print(f"{mark} [bold]{worked.place.file}:{worked.place.line}[/]  {escape(worked.node.name)}")
    for line in _differences(tried) if tried.wrong else ():
        out.print(f"    {line}")


def _differences(tried: Tried) -> Iterator[str]:
    width = max(len(one.field) for one in tried.wrong)
    for one in tried.wrong:
        yield (
            f"[bold]{one.field:<{width}}[/]  expected [green]{escape(one.expected or 'nobody')}[/]"
            f"  got [red]{escape(one.actual or 'nobody')}[/]"
        )
    yield f"[dim]because[/] {escape(_why(tried)['words'])}"
    explanation = tried.decision.orders[0].explanation
    for condition in explanation.conditions:
        yield f"  [dim]held[/] {escape(f'{condition.field} {condition.operator} {condition.expected}')}"
    for miss in explanation.near_misses:
        failed = miss.failed
        said = f"{failed.field} {failed.operator} {failed.expected}; there was {failed.actual}"
        yield f"  [dim]all but[/] rule {escape(miss.rule_id)}: {escape(said)}"


def _why(tried: Tried) -> Mapping[str, Any]:
    explanation = tried.decision.orders[0].explanation
    return {
        "rule": explanation.rule_id,
        "words": explanation.words if language() == "zh" else explanation.words_en,
        "near_misses": [miss.rule_id for miss in explanation.near_misses],
    }


def _summary(loaded: Loaded, counts: Counter[Weight], tried: Sequence[Tried]) -> Mapping[str, Any]:
    return {
        "kind": "summary",
        "county": loaded.playbook.county,
        "version": loaded.playbook.version,
        "rules": len(loaded.playbook.rules),
        "advice": {weight.value: counts[weight] for weight in Weight},
        "cases": len(tried),
        "failed": sum(bool(case.wrong) for case in tried),
    }


def _last_line(folder: Path, loaded: Loaded, *, counts: Counter[Weight], tried: Sequence[Tried]) -> str:
    failed = sum(bool(case.wrong) for case in tried)
    cases = f"{len(tried) - failed} of {len(tried)} cases as expected" if tried else "no cases.yaml beside the rules"
    return (
        f"\n{escape(str(folder))}: {len(loaded.playbook.rules)} rules; {counts[Weight.MISTAKE]} mistakes, "
        f"{counts[Weight.LOOK]} worth a look, {counts[Weight.NOTE]} notes; {cases}"
    )
