"""``whistle chain``: ``list`` shows a playbook's ladders, ``simulate`` what happens to a case that nobody touches."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape

from cli import places
from cli.case_asked import case_playbook, check_area, check_case
from cli.keys import duration
from cli.output import emit_json, language, out, say
from cli.simulate import instant_of
from cli.trouble import Trouble
from shared.vocabulary import NORMAL, Level, Severity, Source

if TYPE_CHECKING:
    from cli.untouched.walk import Happening
    from services.intake.domain.life.commands import OpenCase
    from shared.playbook.model import Chain, ChainStep, Playbook

app = typer.Typer(help="Chains: what is done, step by step, about a clock that nobody stops.", no_args_is_help=True)

Folder = Annotated[Path | None, typer.Option(help="A playbook's folder; that in force.", exists=True, file_okay=False)]


@app.command("list")
def list_chains(
    *,
    playbook: Folder = None,
    area: Annotated[str | None, typer.Option(help="Of which county, where several are in force.")] = None,
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Show the chains of a playbook, their steps and the limits that name them."""
    book = case_playbook(playbook, area, kafka, data)
    check_area(book, area)
    if not book.chains and not as_json:
        say("The playbook has no chains; warnings and what each limit does when it is late are all that happens.")
    for chain in book.chains.values():
        limits = [limit.id for limit in book.clocks if limit.chain == chain.id]
        if as_json:
            emit_json({"id": chain.id, "source": chain.source, "limits": limits, "steps": _steps_json(chain)})
        else:
            _show_chain(chain, limits)


@app.command()
def simulate(
    *,
    category: Annotated[str, typer.Option(help="The case's category.")],
    area: Annotated[str, typer.Option(help="Where it is: an area or a cell.")],
    at: Annotated[str | None, typer.Option("--at", help="When it is reported; now.", metavar="INSTANT")] = None,
    condition: Annotated[str | None, typer.Option(help="The condition of its category.")] = None,
    severity: Annotated[int | None, typer.Option(min=1, max=4, help="1 to 4; as the category has it.")] = None,
    source: Annotated[Source, typer.Option(help="How it came.")] = Source.GRID,
    text: Annotated[str, typer.Option(help="The report's words, which rules may look at.")] = "",
    mode: Annotated[str, typer.Option(help="The mode in force there.")] = NORMAL,
    within: Annotated[str, typer.Option("--within", help="How far ahead, as 40d or 12h.", metavar="DURATION")] = "60d",
    every: Annotated[bool, typer.Option("--all", help="Also what begins and ends because orders do.")] = False,
    playbook: Folder = None,
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Print what would happen, and when, to a case that nobody touches: orders, warnings, steps, who takes hold."""
    from cli.untouched.walk import MOST, Walk
    from shared.playbook.model import UnknownYear
    from shared.runtime.clock import utc_now
    from shared.vocabulary import Refused

    book = case_playbook(playbook, area, kafka, data)
    check_case(book, category=category, condition=condition, area=area, mode=mode)
    begins = instant_of(at) or utc_now()
    opening = _opening(
        book,
        category=category,
        area=area,
        condition=condition,
        severity=book.categories[category].severity if severity is None else Severity(severity),
        source=source,
        text=text,
        mode=mode,
    )
    until = begins + duration(within, "--within")
    told, unknown_years = 0, set[int]()
    try:
        for happening in Walk(book).walk(opening, at=begins, until=until):
            told += 1
            if happening.natural:
                unknown_years.add(_year_without_calendar(happening.at, book))
            if as_json:
                emit_json(_json(happening, book))
            elif every or _matters(happening):
                _show(happening, begins, book)
    except Refused as refused:
        raise Trouble(
            "Such a case would not be opened", why=f"{refused.field}: {refused.reason}", mend="change that option"
        ) from refused
    except UnknownYear as unknown:
        raise Trouble(
            "A clock of the case cannot be reckoned",
            why=f"years: {unknown}",
            mend=f"whistle calendar fill {unknown.year} FOLDER, or write the year into calendar.yaml",
        ) from unknown
    for year in sorted(unknown_years):
        say(
            f"[yellow]The calendar does not know {year}: what is marked so was counted in natural time.[/]"
            f"  mend: whistle calendar fill {year} FOLDER, or write the year into calendar.yaml"
        )
    if told == MOST:
        say(f"[yellow]Cut off after {MOST} events; a shorter --within shows a part of it whole.[/]")


def _year_without_calendar(at: datetime, book: Playbook) -> int:
    """The year that kept an instant from being reckoned: its own, or the next one into which working time ran."""
    own = at.astimezone(ZoneInfo(book.timezone)).year
    return next(year for year in count(own) if year not in book.calendar.years)


def _opening(
    book: Playbook,
    *,
    category: str,
    area: str,
    condition: str | None,
    severity: Severity,
    source: Source,
    text: str,
    mode: str,
) -> OpenCase:
    """The case as intake would open it for such a report."""
    from services.intake.domain.life.commands import OpenCase
    from shared.events.envelope import WHISTLE, derive_id
    from shared.events.parts import Actor, PlaybookRef
    from shared.vocabulary import ActorKind

    asked = derive_id(WHISTLE, f"untouched:{area}:{category}")
    return OpenCase(
        case_id=asked,
        report_id=derive_id(asked, "report"),
        by=Actor(kind=ActorKind.SYSTEM, id="simulate"),
        county=book.county,
        area=area,
        area_why="as asked",
        level=book.desk_area(area, at_least=Level.VILLAGE).level,
        category=category,
        category_why="as asked",
        condition=condition,
        severity=severity,
        source=source,
        title=text[:40] or book.categories[category].name.zh,
        text=text,
        tags=(),
        place=None,
        playbook=PlaybookRef(version=book.version, digest=book.digest),
        mode=mode,
    )


def _show_chain(chain: Chain, limits: list[str]) -> None:
    out.print(f"[bold]{escape(chain.id)}[/]  {escape(chain.title.zh)}  {escape(chain.title.en)}")
    out.print(f"    [bold]source[/]  {escape(chain.source)}")
    out.print(f"    [bold]limits[/]  {', '.join(limits) or 'none names it'}")
    for step in chain.steps:
        out.print(f"    {escape(step.id):16} {escape(_when(step)):28} {step.action.value:10} {escape(_whom(step))}")


def _when(step: ChainStep) -> str:
    at = step.at
    if at.fraction is not None:
        said = f"at {at.fraction:.0%} of the limit"
    elif at.days is not None:
        said = "end of the same day" if not at.days else f"end of day {at.days}"
    elif at.span is not None:
        said = f"{at.span.amount:g} {at.span.unit.value} {'before due' if at.anchor.value == 'before' else 'after'}"
        said += {"after": " due", "since": " the start"}.get(at.anchor.value, "")
    else:
        said = "when due"
    return said if step.every is None else f"{said}, {step.times}x every {step.every.amount:g} {step.every.unit.value}"


def _whom(step: ChainStep) -> str:
    copies = f", copy to {', '.join(one.value for one in step.copies)}" if step.copies else ""
    to = "the next desk up" if step.action.value in ("oversee", "take_over") else step.to.value
    reply = f", reply within {step.reply_within.amount:g} {step.reply_within.unit.value}" if step.reply_within else ""
    return f"{to}{copies}{reply}"


def _steps_json(chain: Chain) -> list[dict[str, Any]]:
    return [
        {"id": step.id, "when": _when(step), "action": step.action.value, "whom": _whom(step)} for step in chain.steps
    ]


def _matters(happening: Happening) -> bool:
    """Whether the line says more than that a clock began or ended because an order did."""
    return happening.event.type.removeprefix("whistle.") not in {
        "sla.started.v1",
        "sla.stopped.v1",
        "order.withdrawn.v1",
        "case.routed.v1",
        "case.order_withdrawn.v1",
        "case.escalated.v1",
    }


def _show(happening: Happening, begins: datetime, book: Playbook) -> None:
    from services.escalation.domain.step_words import NATURAL
    from services.notifier.domain.playbook_names import PlaybookNames
    from services.notifier.domain.timeline import entry_of

    entry = entry_of(happening.event, PlaybookNames(book))
    local = happening.at.astimezone(ZoneInfo(book.timezone))
    zh = language() == "zh"
    said = entry.words.zh if zh else entry.words.en
    if happening.natural:
        said += f"（{NATURAL[0]}）" if zh else f" ({NATURAL[1]})"
    level = f"[dim]{entry.level.value:7}[/]"
    out.print(f"{_elapsed(happening.at - begins):>12}  {local:%Y-%m-%d %a %H:%M:%S}  {level}  {escape(said)}")


def _told(happening: Happening) -> Iterator[str]:
    """Who in person is told by a step."""
    from shared.events.sla import ClockStepped

    data = happening.event.data
    if not isinstance(data, ClockStepped):
        return
    for word, group in (("to", data.to), ("copy", data.copies)):
        for one in group:
            named = one.target.name or one.target.id
            officers = ", ".join(one.officers) or "nobody on the roster"
            yield f"{word}: {named} ({one.post.value}: {officers})"


def _elapsed(passed: timedelta) -> str:
    days, seconds = passed.days, passed.seconds
    clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return f"+{days}d {clock}" if days else f"+{clock}"


def _json(happening: Happening, book: Playbook) -> dict[str, Any]:
    from services.notifier.domain.playbook_names import PlaybookNames
    from services.notifier.domain.timeline import entry_of

    entry = entry_of(happening.event, PlaybookNames(book))
    return {
        "at": happening.at.isoformat(),
        "type": happening.event.type,
        "level": entry.level.value,
        "words": {"zh": entry.words.zh, "en": entry.words.en},
        "order_id": None if entry.order_id is None else str(entry.order_id),
        "target": None if entry.target is None else {"kind": entry.target.kind.value, "id": entry.target.id},
        "told": list(_told(happening)),
        "natural_time": happening.natural,
    }
