"""``whistle classify``: teach a county's model from its own history, see how good it is, try a text."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from cli import places
from cli.keys import duration
from cli.output import emit_json, out, say
from cli.trouble import MISUSED, Trouble
from shared.runtime.clock import utc_now
from shared.vocabulary import Refused

if TYPE_CHECKING:
    from cli.lessons import Lessons
    from shared.learning.training import Example, Scores
    from shared.playbook.model import Playbook

app = typer.Typer(help="What reports are about: the model of a county.", no_args_is_help=True)

County = Annotated[str, typer.Option("--county", help="The county's code.", metavar="CODE")]
History = Annotated[
    list[Path] | None,
    typer.Option("--history", help="A CSV file with the columns text and category; may be given again.", exists=True),
]
Words = Annotated[
    Path | None,
    typer.Option("--playbook", help="Learn from its words too, and only its categories.", exists=True, file_okay=False),
]
FromTopic = Annotated[
    bool, typer.Option("--from-topic", help="Learn from what people named in the cases that Kafka holds.")
]
Since = Annotated[str, typer.Option(help="How far back in Kafka, as 365d.", metavar="DURATION")]
Models = Annotated[
    Path, typer.Option("--models", envvar="WHISTLE_MODELS", help="The folder that intake reads models from.")
]


@app.command()
def train(
    *,
    county: County,
    models: Models,
    history: History = None,
    playbook: Words = None,
    from_topic: FromTopic = False,
    since: Since = "365d",
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Train the county's model and put it where intake reads it; cross-validation says how good it is."""
    from shared.learning.file import write_model
    from shared.learning.training import cross_validate
    from shared.learning.training import train as trained

    lessons = _lessons(county, history, from_topic=from_topic, since=since, kafka=kafka, data=data)
    try:
        also = _words_of(playbook, lessons)
        scores = cross_validate(lessons.examples, also=also)
        model = trained(lessons.examples, county=county, at=utc_now(), also=also, scores=scores)
        path = write_model(model, models)
    except Refused as refused:
        raise Trouble("Nothing was trained", why=refused.reason, mend="; ".join(refused.allowed)) from refused
    except OSError as error:
        raise Trouble(f"{models} cannot be written", why=str(error), mend="check the folder") from error
    if as_json:
        emit_json({"model": str(path), **_figures(lessons, scores)})
        return
    _show(lessons, scores)
    held = f"{len(model.vocabulary)} features, {len(model.categories)} categories, {path.stat().st_size // 1024} KiB"
    say(f"[green]✓[/] {escape(str(path))}: {held}")


@app.command()
def evaluate(
    *,
    history: History = None,
    county: County = "",
    playbook: Words = None,
    from_topic: FromTopic = False,
    since: Since = "365d",
    kafka: places.Kafka = None,
    data: places.Data = None,
    as_json: places.Json = False,
) -> None:
    """Say how good a model of these examples would be on texts it has not seen: five folds, equal texts in one."""
    from shared.learning.training import cross_validate

    lessons = _lessons(county, history, from_topic=from_topic, since=since, kafka=kafka, data=data)
    try:
        scores = cross_validate(lessons.examples, also=_words_of(playbook, lessons))
    except Refused as refused:
        raise Trouble("Nothing can be measured", why=refused.reason, mend="; ".join(refused.allowed)) from refused
    if scores is None:
        raise Trouble(
            "Nothing can be measured",
            why=f"{len(lessons.examples)} examples hold fewer than two categories with five texts each",
            mend="give more of the county's history",
        )
    if as_json:
        emit_json(_figures(lessons, scores))
    else:
        _show(lessons, scores)


@app.command(name="try")
def try_text(
    *,
    text: Annotated[str, typer.Argument(help="What a report says.")],
    playbook: Annotated[Path, typer.Option(help="The playbook's folder.", exists=True, file_okay=False)],
    models: Annotated[
        Path | None, typer.Option("--models", envvar="WHISTLE_MODELS", help="Without: words alone.")
    ] = None,
    as_json: places.Json = False,
) -> None:
    """Show what intake would say of a text: place, category with confidence and words, severity, emergency services."""
    from cli.in_force import read

    county = read(playbook)
    told = _told(text, county, models)
    if as_json:
        emit_json(told)
        return
    for name, value in told.items():
        out.print(f"[bold]{name:<10}[/] {escape(str(value))}")


def _told(text: str, playbook: Playbook, models: Path | None) -> dict[str, object]:
    from services.intake.domain.reading.classifying import classify
    from services.intake.domain.reading.grading import grade
    from services.intake.domain.reading.guessing import NO_OPINION, Opinion
    from services.intake.domain.reports.locating import CountyMap
    from shared.learning.file import ENDING, read_model

    opinion = NO_OPINION
    path = models / f"{playbook.county}{ENDING}" if models is not None else None
    if path is not None and path.exists():
        try:
            likely = read_model(path).likeliest(text)
        except Refused as refused:
            raise Trouble("The model is refused", why=refused.reason, mend="; ".join(refused.allowed)) from refused
        opinion = Opinion(
            shares={one.category: one.share for one in likely}, words={one.category: one.words for one in likely}
        )
    classified = classify(None, text, playbook=playbook, opinion=opinion)
    graded = grade(None, text, classified.category, policy=playbook.policy, named=False)
    named = CountyMap(playbook).names.find(text, within=playbook.county)
    confidence = classified.guess.confidence if classified.guess is not None else 1.0
    return {
        "category": f"{classified.category.code} {classified.category.name.zh}",
        "confidence": confidence,
        "why": classified.why,
        "waits": confidence < playbook.policy.person_below and not graded.handovers,
        "severity": graded.severity.name,
        "graded": graded.why,
        "services": [one.service.value for one in graded.handovers],
        "place": None if named is None else named.area,
    }


def _words_of(folder: Path | None, lessons: Lessons) -> list[Example]:
    """The playbook's words as examples; lessons of categories that it does not have are passed over."""
    if folder is None:
        return []
    from cli.in_force import read
    from shared.learning.training import Example

    known = read(folder).categories
    for one in lessons.examples:
        if one.category not in known:
            lessons.lost(one.text[:20], f"the playbook has no category {one.category}")
    lessons.examples = [one for one in lessons.examples if one.category in known]
    return [
        Example(text=text, category=one.code)
        for one in known.values()
        if one.parent is not None
        for text in (*one.words, *(["，".join(one.words)] if one.words else []))
    ]


def _lessons(
    county: str,
    history: Sequence[Path] | None,
    *,
    from_topic: bool,
    since: str,
    kafka: str | None,
    data: Path | None,
) -> Lessons:
    from cli.lessons import of_files, of_topic

    if not history and not from_topic:
        raise Trouble(
            "There is nothing to learn from",
            why="neither --history nor --from-topic is given",
            mend="--history FILE with the columns text and category, or --from-topic",
            status=MISUSED,
        )
    lessons = of_files(history or ())
    if from_topic:
        bootstrap = places.find(kafka=kafka, data=data).bootstrap()
        begins = utc_now() - duration(since, "--since")
        told = asyncio.run(of_topic(bootstrap, county=county, since=begins))
        lessons.examples += told.examples
        lessons.passed_over += told.passed_over
        lessons.reasons += told.reasons
    return lessons


def _figures(lessons: Lessons, scores: Scores | None) -> dict[str, object]:
    said: dict[str, object] = {"examples": len(lessons.examples), "passed_over": lessons.passed_over}
    if scores is not None:
        said |= {
            "scored": scores.examples,
            "accuracy": round(scores.accuracy, 4),
            "macro_f1": round(scores.macro_f1, 4),
            "by_category": {name: [round(f1, 4), count] for name, (f1, count) in scores.by_category.items()},
        }
    return said


def _show(lessons: Lessons, scores: Scores | None) -> None:
    for reason in lessons.reasons:
        say(f"[yellow]![/] {escape(reason)}")
    say(f"{len(lessons.examples)} examples, {lessons.passed_over} passed over")
    if scores is None:
        say("too few of each category to say how good it is")
        return
    table = Table(box=None, padding=(0, 2))
    table.add_column("category")
    table.add_column("F1", justify="right")
    table.add_column("examples", justify="right")
    for name, (f1, count) in sorted(scores.by_category.items()):
        table.add_row(escape(name), f"{f1:.3f}", str(count))
    out.print(table)
    out.print(f"macro-F1 {scores.macro_f1:.3f}, accuracy {scores.accuracy:.3f} over {scores.examples} texts not seen")
