"""``whistle clocks``: ``due`` says which limit fits, why, by which source, and its deadline step by step."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape

from cli import places
from cli.case_asked import case_playbook, check_case, check_profile
from cli.clock_import import import_table
from cli.clock_repair import reconcile, repair
from cli.output import emit_json, language, out
from cli.simulate import instant_of
from cli.trouble import Trouble
from shared.vocabulary import NORMAL, ClockKind, Level, Severity, Source, TargetKind, level_of
from shared.words import CLOCKS

if TYPE_CHECKING:
    from services.escalation.domain.deadline import Deadline, Terms
    from services.escalation.domain.facts import Traits
    from services.escalation.domain.fitting import Misfit
    from shared.playbook.model import ClockLimit, Playbook

app = typer.Typer(help="Clocks: by when who must have done what.", no_args_is_help=True)
app.command("import")(import_table)
app.command()(repair)
app.command()(reconcile)

BY_DESK: Final = frozenset({ClockKind.ACCEPT, ClockKind.DISPATCH, ClockKind.VERIFY})
"""Clocks that the desk of the case's place answers for; of any other it must be said who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reckoned:
    """One clock as it would start: the limit that fits, those behind it and beside it, and its end."""

    kind: ClockKind
    limit: ClockLimit
    behind: tuple[ClockLimit, ...]
    near: tuple[tuple[ClockLimit, Misfit], ...]
    """Limits that one thing alone keeps from the case, and that thing."""
    terms: Terms
    hours: str
    found: Deadline
    warnings: tuple[tuple[float, datetime], ...]


@app.callback()
def _clocks() -> None:
    pass


@app.command()
def due(
    *,
    category: Annotated[str, typer.Option(help="The case's category.")],
    at: Annotated[str | None, typer.Option("--at", help="When the clock starts; now.", metavar="INSTANT")] = None,
    condition: Annotated[str | None, typer.Option(help="The condition of its category.")] = None,
    severity: Annotated[int | None, typer.Option(min=1, max=4, help="1 to 4; as the category has it.")] = None,
    area: Annotated[str | None, typer.Option(help="Where it is; the county.")] = None,
    source: Annotated[Source | None, typer.Option(help="How it came; any.")] = None,
    opened: Annotated[
        str | None,
        typer.Option(help="When the case was opened, which limits with dates go by; --at.", metavar="INSTANT"),
    ] = None,
    mode: Annotated[str, typer.Option(help="The mode in force there.")] = NORMAL,
    kind: Annotated[ClockKind | None, typer.Option(help="One clock; all that are limited.")] = None,
    profile: Annotated[str | None, typer.Option(help="The clock profile of its rule.")] = None,
    whistle: Annotated[bool, typer.Option("--whistle", help="Its order comes from a whistle.")] = False,
    target: Annotated[
        str | None, typer.Option(help="Who must act, a department or a desk's area, by whose hours it counts.")
    ] = None,
    playbook: Annotated[
        Path | None, typer.Option(help="A playbook's folder; that in force.", exists=True, file_okay=False)
    ] = None,
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Show the limits that fit a case, why, their sources, and how each deadline comes about."""
    from services.escalation.domain.facts import Traits
    from shared.runtime.clock import utc_now

    start = instant_of(at) or utc_now()
    book = case_playbook(playbook, area, kafka, data)
    check_case(book, category=category, condition=condition, area=area, mode=mode, target=target)
    check_profile(book, profile)
    traits = Traits(
        area=area or book.county,
        category=category,
        condition=condition,
        severity=book.categories[category].severity if severity is None else Severity(severity),
        mode=mode,
        source=source,
        opened_at=instant_of(opened) or start,
    )
    asked = Asked(book=book, traits=traits, start=start, target=target, profile=profile, whistled=whistle)
    told = [one for each in ([kind] if kind else ClockKind) if (one := asked.reckon(each)) is not None]
    if not told:
        raise Trouble(
            "No such clock would run",
            why=f"kind: the playbook limits no {kind or 'clock'} of {category}",
            mend="leave --kind out to see all that are limited, or add a row to clocks.csv",
        )
    for one in told:
        if as_json:
            emit_json(_json(one))
        else:
            _show(one, traits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The case that is asked about."""

    book: Playbook
    traits: Traits
    start: datetime
    target: str | None
    profile: str | None
    whistled: bool

    def reckon(self, kind: ClockKind) -> Reckoned | None:
        """The clock of ``kind``; None where the playbook does not limit it.

        Raises:
            Trouble: it runs into a year without a calendar.
        """
        from services.escalation.domain.deadline import after, deadline, span
        from services.escalation.domain.fitting import Asked as Demanded
        from services.escalation.domain.fitting import fitting_limits, near_limits
        from shared.playbook.model import UnknownYear

        demanded = Demanded.of(self.book, self.traits, profile=self.profile, whistled=self.whistled)
        limits = fitting_limits(self.book, kind, demanded)
        if not limits:
            return None
        limit, *behind = limits
        terms, hours = self._terms(kind)
        try:
            found = deadline(self.start, limit.limit, terms=terms)
        except UnknownYear as unknown:
            raise Trouble(
                f"The {CLOCKS[kind].en} clock cannot be reckoned",
                why=f"years: {unknown}",
                mend=f"whistle calendar fill {unknown.year} FOLDER, or write the year into calendar.yaml",
            ) from unknown
        whole, unit = span(limit.limit, terms=terms), limit.limit.unit
        warnings = [(one, after(self.start, whole * one, unit, terms=terms).due_at) for one in limit.warn_at]
        return Reckoned(
            kind=kind,
            limit=limit,
            behind=tuple(behind),
            near=near_limits(self.book, kind, demanded),
            terms=terms,
            hours=hours,
            found=found,
            warnings=tuple(warnings),
        )

    def _terms(self, kind: ClockKind) -> tuple[Terms, str]:
        from services.escalation.domain.deadline import Terms
        from shared.events.parts import Target

        book = self.book
        if self.target is None and kind not in BY_DESK:
            return Terms.of(book), "of the county; --target says who must act"
        name = self.target or book.desk_area(self.traits.area, at_least=level_of(self.traits.area)).code
        department = book.departments.get(name)
        target = Target(kind=TargetKind.DEPARTMENT if department else TargetKind.DESK, id=name)
        level: Level = department.level if department else level_of(name)
        kept = book.hours_of(target.kind, target.id, level=level)
        called = f"of {name}: {kept.id} {kept.name.zh} {kept.name.en}" if kept else f"of the county, which {name} keeps"
        return Terms.of(book, target, level), called


def _show(one: Reckoned, traits: Traits) -> None:
    from services.escalation.domain.words import limit_in_words

    words = CLOCKS[one.kind]
    out.print(f"[bold]{words.zh} {words.en}[/]  {escape(limit_in_words(one.limit.limit))}")
    out.print(f"    [bold]limit[/]   {escape(one.limit.id)}: {escape(why(one.limit, traits))}")
    for other in one.behind:
        out.print(f"            [dim]before {escape(other.id)}: {escape(why(other, traits, best=one.limit))}[/]")
    for other, misfit in one.near:
        out.print(f"            [dim]not {escape(other.id)}: {escape(_kept_off(misfit))}[/]")
    out.print(f"    [bold]source[/]  {escape(one.limit.source)}")
    out.print(f"    [bold]hours[/]   {escape(one.hours)}")
    for number, step in enumerate(_steps(one)):
        out.print(f"    [bold]{'steps ' if not number else '      '}[/]  {escape(step)}")
    for fraction, at in one.warnings:
        out.print(f"    [bold]warns[/]   {fraction:g}: {at.astimezone(one.terms.zone):%Y-%m-%d %H:%M:%S}")
    out.print(f"    [bold]late[/]    {one.limit.when_late.value}")


def _steps(one: Reckoned) -> Iterator[str]:
    from services.escalation.domain.words import steps_in_words

    zh = language() == "zh"
    for step in steps_in_words(one.found, one.limit.limit, terms=one.terms):
        yield step[0] if zh else step[1]


def why(limit: ClockLimit, traits: Traits, *, best: ClockLimit | None = None) -> str:
    """What a limit asks of a case, the strongest first; of one that stands behind ``best``, why it does."""
    from services.escalation.domain.fitting import said, validity
    from shared.playbook.model import PRECEDENCE

    asks = [(name, value) for name in PRECEDENCE if (value := getattr(limit, name)) is not None]
    above = {"category": traits.category}
    words = [f"{name} {said(value)}{_above(value, above.get(name))}" for name, value in asks]
    asked = f"asks for {', '.join(words)}" if words else "for any case"
    valid = f"; for cases opened {days}" if (days := validity(limit)) else ""
    if best is None:
        return asked + valid
    decides = next((name for name in PRECEDENCE if getattr(best, name) != getattr(limit, name)), None)
    return f"{asked}{valid}; {decides} decides" if decides else asked + valid


def _above(value: object, whole: str | None) -> str:
    return "" if whole is None or value == whole else f" (above {whole})"


def _kept_off(misfit: Misfit) -> str:
    if misfit.field == "validity":
        return f"for cases opened {misfit.asks}, this one was {misfit.has}"
    return f"asks for {misfit.field} {misfit.asks}, the case has {misfit.has}"


def _json(one: Reckoned) -> dict[str, Any]:
    from services.escalation.domain.words import limit_in_words, steps_in_words

    steps = steps_in_words(one.found, one.limit.limit, terms=one.terms)
    return {
        "clock": one.kind.value,
        "limit": {"id": one.limit.id, "words": limit_in_words(one.limit.limit), "source": one.limit.source},
        "before": [other.id for other in one.behind],
        "not": [
            {"id": other.id, "field": misfit.field, "asks": misfit.asks, "has": misfit.has}
            for other, misfit in one.near
        ],
        "hours": one.hours,
        "started_at": one.found.started_at.isoformat(),
        "due_at": one.found.due_at.isoformat(),
        "warnings": [{"fraction": fraction, "at": at.isoformat()} for fraction, at in one.warnings],
        "when_late": one.limit.when_late.value,
        "steps": [{"zh": zh, "en": en} for zh, en in steps],
    }
