"""``whistle dead-letter list|show|replay``: what could not be handled, why, and once it can be: sent again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from cli import places
from cli.keys import duration
from cli.output import emit_json, local_time, out, say
from cli.trouble import FAILED, MISUSED, Trouble
from shared.masking import mask
from shared.runtime.clock import utc_now

if TYPE_CHECKING:
    from cli.dead_letters import Found, Letter, Pick, Wanted

app = typer.Typer(help="Look at records that were set aside, and send them again.", no_args_is_help=True)

SHOWN_BYTES: Final = 256
WIDEST_REASON: Final = 100

Service = Annotated[str | None, typer.Option(help="Only those of this service.")]
Topic = Annotated[str | None, typer.Option(help="Only those that came from this topic.")]
Reason = Annotated[str | None, typer.Option(help="Only those whose reason holds this text.")]
Since = Annotated[
    str | None, typer.Option(help="Only those set aside since then: 30m, 12h, 7d, or a time such as 2026-11-21T08:00Z.")
]


@app.command("list")
def list_letters(
    *,
    service: Service = None,
    topic: Topic = None,
    reason: Reason = None,
    since: Since = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="The newest so many.")] = 50,
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """List dead letters, the newest last, with place, time, service, where each came from and why."""
    wanted = _wanted((), service, topic, reason, since=since)
    found = _find(places.find(kafka=kafka, data=data).bootstrap(), wanted, limit)
    if as_json:
        for letter in found.letters:
            emit_json(_facts(letter))
        return
    if not found.letters:
        say("[green]✓[/] no dead letter" + (" fits" if wanted != _wanted((), None, None, None, since=None) else ""))
    else:
        out.print(_table(found.letters))
    _tell_the_rest(found)
    if found.letters:
        say(f"next: [bold]whistle dead-letter show {found.letters[-1].place}[/]")


@app.command()
def show(
    *,
    place: Annotated[str, typer.Argument(help="Where it lies, as `list` says it.", metavar="PARTITION@OFFSET")],
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Show one dead letter whole: reason, origin, headers, value; personal numbers are masked."""
    from cli.dead_letters import one

    letter = asyncio.run(one(places.find(kafka=kafka, data=data).bootstrap(), place))
    if as_json:
        emit_json(_facts(letter) | {"headers": _headers(letter), "value": _value(letter.record.value)})
        return
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column(style="bold")
    table.add_column()
    for name, text in (_facts(letter) | _headers(letter)).items():
        table.add_row(name.replace("_", " "), escape(str(text)))
    out.print(table)
    value = _value(letter.record.value)
    out.print(
        value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2), markup=False, emoji=False
    )
    say(f"next: [bold]whistle dead-letter replay {place} --dry-run[/]")


@app.command()
def replay(
    *,
    at: Annotated[
        list[str] | None, typer.Argument(help="Where they lie; or name them by options.", metavar="[PARTITION@OFFSET]…")
    ] = None,
    service: Service = None,
    topic: Topic = None,
    reason: Reason = None,
    since: Since = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=10_000, help="So many at most.")] = 1000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be sent.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Also those that were sent again before.")] = False,
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Send dead letters to the topics that they came from, as they were; each once, however often this is run."""
    if not at and not any((service, topic, reason, since)):
        raise Trouble(
            "It is not said which letters to send again",
            why="neither a place nor a filter was given",
            mend="name places from `whistle dead-letter list`, or give --service, --topic, --reason or --since",
            status=MISUSED,
        )
    bootstrap = places.find(kafka=kafka, data=data).bootstrap()
    letters, left = _chosen(bootstrap, _wanted(at or (), service, topic, reason, since=since), limit, again=again)
    plan = [(letter, _why_not(letter, again=again)) for letter in letters]
    sent = [letter for letter, why in plan if why is None]
    if sent and not dry_run:
        from cli.dead_letters import send_again

        asyncio.run(send_again(bootstrap, sent))
    for letter, why in plan:
        outcome = ("would be sent" if dry_run else "sent") if why is None else f"skipped: {why}"
        _tell_outcome(letter, outcome, as_json=as_json)
    if not as_json:
        verb = "would be sent again" if dry_run else "were sent again"
        say(f"{len(sent)} of {len(plan)} letters {verb}" + (f"; {left} more wait, run it again" if left else ""))
    if any(why is not None and not letter.replayed for letter, why in plan):
        raise typer.Exit(FAILED)


def _chosen(bootstrap: str, wanted: Wanted, limit: int, *, again: bool) -> tuple[Sequence[Letter], int]:
    """The letters that are meant, and how many more are to be sent by a further run."""
    from cli.dead_letters import Pick, one

    if wanted.places:
        return [asyncio.run(one(bootstrap, place)) for place in dict.fromkeys(wanted.places)], 0
    found = _find(bootstrap, wanted, limit, pick=Pick.OLDEST if again else Pick.OLDEST_UNSENT)
    _tell_the_rest(found, left_off=False)
    done = 0 if again else found.replayed
    if done:
        say(f"{done} that fit were sent again before; --again does it once more")
    return found.letters, found.fitting - done - len(found.letters)


def _why_not(letter: Letter, *, again: bool) -> str | None:
    from cli.dead_letters import hopeless

    if letter.replayed and not again:
        return "it was sent again before; --again does it once more"
    return hopeless(letter)


def _wanted(
    at: Sequence[str], service: str | None, topic: str | None, reason: str | None, *, since: str | None
) -> Wanted:
    from cli.dead_letters import Wanted

    moment = None if since is None else _moment(since)
    return Wanted(places=tuple(at), service=service, topic=topic, reason=reason, since=moment)


def _moment(since: str) -> datetime:
    if since[:4].isdecimal() and "-" in since:
        try:
            moment = datetime.fromisoformat(since)
        except ValueError as error:
            raise Trouble(
                f"--since {since} is no time",
                why=str(error),
                mend="write it like 2026-11-21T08:00Z, or as a duration: 30m, 12h, 7d",
                status=MISUSED,
            ) from error
        return moment.astimezone()
    return utc_now() - duration(since, "--since")


def _find(bootstrap: str, wanted: Wanted, limit: int, *, pick: Pick | None = None) -> Found:
    from cli.dead_letters import Pick, find

    return asyncio.run(find(bootstrap, wanted, most=limit, pick=pick or Pick.NEWEST))


def _table(letters: Sequence[Letter]) -> Table:
    table = Table(box=None, padding=(0, 1))
    for heading in ("place", "set aside", "by", "came from", "again", "reason"):
        table.add_column(heading)
    for letter in letters:
        told = letter.origin
        reason = mask(told.reason)
        table.add_row(
            letter.place,
            local_time(told.at, date=True),
            told.service,
            f"{told.topic}/{told.partition}@{told.offset}",
            "sent" if letter.replayed else "",
            escape(reason if len(reason) <= WIDEST_REASON else reason[: WIDEST_REASON - 1] + "…"),
        )
    return table


def _tell_the_rest(found: Found, *, left_off: bool = True) -> None:
    older = found.fitting - len(found.letters)
    if older and left_off:
        say(f"{older} older ones fit too: --limit shows more")
    if found.unread:
        say(f"[yellow]{found.unread} older records of the topic were not looked at[/]: --since reaches no further back")


def _tell_outcome(letter: Letter, outcome: str, *, as_json: bool) -> None:
    if as_json:
        emit_json(_facts(letter) | {"outcome": outcome})
        return
    told = letter.origin
    out.print(f"{letter.place}  → {told.topic}  {escape(outcome)}")


def _facts(letter: Letter) -> dict[str, Any]:
    told = letter.origin
    return {
        "place": letter.place,
        "at": told.at.isoformat(),
        "service": told.service,
        "topic": told.topic,
        "partition": told.partition,
        "offset": told.offset,
        "reason": mask(told.reason),
        "key": mask((letter.record.key or b"").decode(errors="replace")),
        "replayed": letter.replayed,
        "truncated": told.truncated,
    }


def _headers(letter: Letter) -> dict[str, str]:
    return {
        name: mask(text.decode(errors="replace"))
        for name, text in letter.record.headers
        if not name.startswith("dead-letter-")
    }


def _value(value: bytes | None) -> Any:  # noqa: ANN401  any JSON
    """The value to read: JSON with every text in it masked, else text masked, else the first bytes in hex."""
    if not value:
        return ""
    try:
        return _masked(json.loads(value))
    except ValueError:
        pass
    try:
        return mask(value.decode())
    except UnicodeDecodeError:
        more = f" … {len(value)} bytes" if len(value) > SHOWN_BYTES else ""
        return value[:SHOWN_BYTES].hex(" ") + more


def _masked(value: Any) -> Any:  # noqa: ANN401  any JSON
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _masked(item) for name, item in value.items()}
    return value
