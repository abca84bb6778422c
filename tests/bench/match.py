"""Matching alone, one thread: our rulebook beside event-ruler and zen-engine, over the same rules and events.

All are fed the same JSON texts, one an event, of the fields that the rules ask: category, area, source, severity,
tags, and the case-folded text. Ours answers with the rules that hold in order, each condition with its value, and
the near misses; event-ruler with the names of all rules that hold, of which its program takes the least; zen-engine
with the first. Rates are by processor time. Every rule stands in the bench that all can express: no rule says
`continue`.
"""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import zen

from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from shared.events.case import CaseOpened
from shared.playbook.model import Playbook, When
from tests.bench.events_made import drawn
from tests.bench.java_programs import RULER, LeftOut, compiled
from tests.bench.rules_made import made_playbook
from tests.bench.table import Row, Size

EVENTS: Final = 200_000
RULES: Final = (10, 1_000, 10_000)
WARM_ROUNDS: Final = 3
ZEN_SECONDS: Final = 5.0
JAVA_SECONDS: Final = 900
NOBODY: Final = frozenset[Any]()


class Flat(msgspec.Struct):
    """One event as all of them get it; it stands for the case where ours looks at one."""

    category: str
    area: str
    source: str
    severity: int
    tags: tuple[str, ...]
    text: str
    opened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How fast, and which rule came first for each event."""

    rate: float
    firsts: Sequence[str]


async def bench(size: Size) -> Sequence[Row]:
    """Match with every engine and rule count; the rules found must be the same ones."""
    return await asyncio.to_thread(lambda: list(_rows(size)))


def _rows(size: Size) -> Iterator[Row]:
    for rules in RULES:
        for words in (True, False):
            with tempfile.TemporaryDirectory(prefix="whistle-bench-") as folder:
                yield from _beside(_playbook(rules, words=words), size, Path(folder), words=words)


def _beside(playbook: Playbook, size: Size, folder: Path, *, words: bool) -> Iterator[Row]:
    lines = [_flat(opened) for opened in drawn(size.events or EVENTS, playbook)]
    about = f"{len(playbook.rules):,} rules{'' if words else ' without words'}"
    ours = _best(size.rounds, lambda: _ours(playbook, lines))
    try:
        ruler = _ruler(playbook, lines, folder, rounds=size.rounds + WARM_ROUNDS)
    except LeftOut as why:
        yield Row(what=f"event-ruler: left out, {why}", figure=0, unit="")
        ruler = None
    if ruler is not None:
        yield Row(what=f"event-ruler, {about}", figure=ruler.rate, unit="events/s", more=_agreement(ours, ruler))
    beside = None if ruler is None else ruler.rate
    yield Row(what=f"ours, {about}", figure=ours.rate, unit="events/s", beside=beside)
    zen_found = _zen(playbook, lines)
    yield Row(
        what=f"zen-engine, {about}",
        figure=zen_found.rate,
        unit="events/s",
        beside=beside,
        more=_agreement(ours, zen_found),
    )


def _playbook(rules: int, *, words: bool) -> Playbook:
    made = made_playbook(rules)
    kept = [replace(rule, goes_on=False) for rule in made.rules if not rule.goes_on]
    if not words:
        kept = [replace(rule, when=replace(rule.when, words=())) for rule in kept]
    return replace(made, rules=tuple(kept))


def _flat(opened: CaseOpened) -> bytes:
    case = opened.case
    return msgspec.json.encode(
        Flat(
            category=case.category,
            area=case.area,
            source=case.source.value,
            severity=int(case.severity),
            tags=case.tags,
            text=f"{case.title}\n{opened.text}".casefold(),
            opened_at=case.opened_at,
        )
    )


def _best(rounds: int, measure: Callable[[], Found]) -> Found:
    return max((measure() for _ in range(rounds)), key=lambda found: found.rate)


def _ours(playbook: Playbook, lines: Sequence[bytes]) -> Found:
    book, decode = Rulebook(playbook), msgspec.json.Decoder(Flat).decode
    firsts: list[str] = []
    began = time.process_time()
    for line in lines:
        flat: Any = decode(line)
        matches = book.walk(
            Facts(case=flat, text=flat.text, refusing=NOBODY, at=flat.opened_at, said=flat.text)
        ).matches
        firsts.append(matches[0].rule.id if matches else "")
    return Found(rate=len(lines) / (time.process_time() - began), firsts=firsts)


def _ruler(playbook: Playbook, lines: Sequence[bytes], folder: Path, *, rounds: int) -> Found:
    rules, events = folder / "rules", folder / "events"
    names = {f"{number:06}": rule.id for number, rule in enumerate(playbook.rules)}
    patterns = (
        {"name": name, "pattern": _pattern(rule.when, playbook)}
        for name, rule in zip(names, playbook.rules, strict=True)
    )
    rules.write_bytes(b"\n".join(msgspec.json.encode(pattern) for pattern in patterns))
    events.write_bytes(b"\n".join(lines))
    command = [*compiled("RulerMatch", RULER, folder), str(rules), str(events), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=JAVA_SECONDS, check=False)
    if done.returncode != 0:
        raise LeftOut(done.stderr.strip()[-300:])
    told = [line.split() for line in done.stdout.splitlines()]
    rates = [
        int(events_) / int(nanoseconds) * 1e9
        for kind, nanoseconds, *rest in told
        if kind == "round"
        for events_ in rest
    ]
    firsts = Path(f"{events}.firsts").read_text(encoding="utf-8").splitlines()
    return Found(rate=max(rates), firsts=[names.get(first, "") for first in firsts])


def _pattern(when: When, playbook: Playbook) -> Mapping[str, object]:
    below = sorted(_below(when, playbook))
    asked = {
        "category": below if when.categories else (),
        "area": [{"prefix": code} for code in when.areas],
        "source": [source.value for source in when.sources],
        "severity": [{"numeric": ["<=", int(when.severity_at_least)]}] if when.severity_at_least is not None else (),
        "tags": when.tags,
        "text": [{"wildcard": f"*{word.casefold()}*"} for word in when.words],
    }
    return {name: values for name, values in asked.items() if values}


def _below(when: When, playbook: Playbook) -> set[str]:
    wanted = set(when.categories)
    return {code for code in playbook.categories if any(line.code in wanted for line in playbook.category_line(code))}


def _zen(playbook: Playbook, lines: Sequence[bytes]) -> Found:
    decision = zen.ZenEngine().create_decision(msgspec.json.encode(_table(playbook)).decode())
    firsts: list[str] = []
    began = time.process_time()
    for line in lines:
        firsts.append(decision.evaluate(line.decode())["result"].get("rule", ""))
        if time.process_time() - began > ZEN_SECONDS:
            break
    return Found(rate=len(firsts) / (time.process_time() - began), firsts=firsts)


def _table(playbook: Playbook) -> Mapping[str, object]:
    columns = ("category", "area", "source", "severity", "tags", "text")
    inputs = [{"id": name, "name": name, "field": name} for name in columns]
    rules = [{"_id": rule.id, **_cells(rule.when, playbook), "out": f'"{rule.id}"'} for rule in playbook.rules]
    content = {
        "hitPolicy": "first",
        "inputs": inputs,
        "outputs": [{"id": "out", "name": "rule", "field": "rule"}],
        "rules": rules,
    }
    nowhere = {"x": 0, "y": 0}
    return {
        "nodes": [
            {"id": "in", "type": "inputNode", "name": "in", "position": nowhere},
            {"id": "rules", "type": "decisionTableNode", "name": "rules", "position": nowhere, "content": content},
            {"id": "out", "type": "outputNode", "name": "out", "position": nowhere},
        ],
        "edges": [
            {"id": "one", "sourceId": "in", "targetId": "rules", "type": "edge"},
            {"id": "two", "sourceId": "rules", "targetId": "out", "type": "edge"},
        ],
    }


def _cells(when: When, playbook: Playbook) -> Mapping[str, str]:
    return {
        "category": _listed(sorted(_below(when, playbook))) if when.categories else "",
        "area": " or ".join(f'startsWith($, "{code}")' for code in when.areas),
        "source": _listed([source.value for source in when.sources]),
        "severity": f"<= {int(when.severity_at_least)}" if when.severity_at_least is not None else "",
        "tags": f"some($, # in [{_listed(when.tags)}])" if when.tags else "",
        "text": " or ".join(f'contains($, "{word.casefold()}")' for word in when.words),
    }


def _listed(values: Sequence[str]) -> str:
    return ", ".join(f'"{value}"' for value in values)


def _agreement(ours: Found, other: Found) -> str:
    same = sum(mine == theirs for mine, theirs in zip(ours.firsts, other.firsts, strict=False))
    return f"the same first rule for {same:,} of {len(other.firsts):,} events"
