"""A repair as people read it, in Chinese or English, and as JSON for programs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from services.escalation.domain.audit import Kind, StoredClock
from services.escalation.domain.mending import Mended
from services.escalation.handlers.repairing import Repaired, changed
from services.escalation.repair_ports import Basis
from shared.vocabulary import ClockKind
from shared.words import CLOCKS, Words

KINDS: Final = {
    Kind.FACTS: Words(zh="有时限而事实缺失或不可读", en="clocks without readable facts"),
    Kind.MISSING: Words(zh="缺失", en="missing"),
    Kind.UNSTOPPED: Words(zh="应停未停", en="runs and must have stopped"),
    Kind.STOPPED: Words(zh="应计未计", en="stopped and must run"),
    Kind.STOP: Words(zh="停止的时刻或方式不符", en="stopped otherwise than the facts say"),
    Kind.DUE: Words(zh="到期或预警不符", en="wrong deadline or warnings"),
    Kind.MOVES: Words(zh="暂停、恢复或延期不符", en="wrong moves"),
    Kind.ROW: Words(zh="行内各列不一致", en="a row at odds with itself"),
    Kind.UNKNOWN: Words(zh="无事实要求", en="nothing demands it"),
}
_BASES: Final = {
    Basis.LOG: Words(zh="依据：事件日志（从头重放）", en="by the log of events, replayed from the case's beginning"),
    Basis.STORED: Words(
        zh="依据：库中事实（日志已不含该事件的开头）",
        en="by the facts that are stored: the log no longer holds the case's beginning",
    ),
}


def language() -> str:
    """``zh`` or ``en``: ``WHISTLE_LANG``, else the locale's."""
    chosen = os.environ.get("WHISTLE_LANG") or os.environ.get("LC_ALL") or os.environ.get("LANG") or ""
    return "zh" if chosen.lower().startswith("zh") else "en"


def as_json(repaired: Repaired) -> str:
    """The repair on one line, for programs."""
    return json.dumps(
        {
            "case": str(repaired.asked.case_id),
            "basis": str(repaired.basis),
            "at": repaired.at.isoformat(),
            "differs": repaired.differs,
            "facts_differ": repaired.facts_differ,
            "findings": [
                {
                    "kind": str(one.kind),
                    "clock": one.clock,
                    "clock_id": None if one.clock_id is None else str(one.clock_id),
                    "stored": one.stored,
                    "demanded": one.demanded,
                }
                for one in repaired.findings
            ],
            "clocks": [changed(one) for one in repaired.mending.clocks],
            "waiting": list(repaired.mending.waiting),
            "repair_id": None if repaired.repair_id is None else str(repaired.repair_id),
        },
        ensure_ascii=False,
    )


def in_words(repaired: Repaired, lang: str) -> Iterator[str]:
    """The repair line by line."""

    def say(zh: str, en: str) -> str:
        return zh if lang == "zh" else en

    case_id = repaired.asked.case_id
    basis = _BASES[repaired.basis]
    yield say(f"事件 {case_id}；{basis.zh}", f"case {case_id}, {basis.en}")
    for one in repaired.findings:
        kind, clock = KINDS[one.kind], _clock(one.clock, lang)
        yield say(f"  发现  {clock}{kind.zh}", f"  found   {clock} {kind.en}")
    if repaired.facts_differ:
        yield say("  事实  库中所存与重放所得不同，以重放为准", "  facts   not as they were told; as told from now on")
    for mended in repaired.mending.clocks:
        yield from _changed(mended, lang)
    for why in repaired.mending.waiting:
        yield say(f"  等待  {why}", f"  waits   {why}")
    if not repaired.differs:
        yield say("  一致，无需修复", "  everything is as it must be: nothing to repair")
    elif repaired.repair_id is None:
        yield say(
            "试运行：未写入任何内容（加 --by 和 --reason 执行）",
            "dry run: nothing is written; --by and --reason do it",
        )
    else:
        yield say(f"已修复，记录 {repaired.repair_id}", f"repaired, kept as {repaired.repair_id}")


def _changed(mended: Mended, lang: str) -> Iterator[str]:
    clock = _clock(str(mended.clock.shown.kind), lang)
    before, after = _before(mended.before, lang), _after(mended, lang)
    yield f"  {'时限' if lang == 'zh' else 'clock'}{'  ' if lang == 'zh' else '   '}{clock}: {before} → {after}"
    if mended.breached_at is not None:
        at = _at(mended.breached_at)
        yield f"        已于 {at} 超时，不撤销" if lang == "zh" else f"          late since {at}, which stays"


def _before(row: StoredClock | None, lang: str) -> str:
    if row is None:
        return "无" if lang == "zh" else "nothing"
    return _state(None if row.stop is None else (str(row.stop.outcome), row.stop.at), row.due_at, row.held_at, lang)


def _after(mended: Mended, lang: str) -> str:
    stop, still = mended.stop, mended.clock.still
    stopped = None if stop is None else (str(stop.outcome), stop.at)
    return _state(stopped, mended.clock.shown.due_at, None if still is None else still.since, lang)


_OUTCOMES: Final = {"met": Words(zh="已完成", en="met"), "cancelled": Words(zh="已取消", en="cancelled")}


def _state(stop: tuple[str, datetime] | None, due_at: datetime, held_at: datetime | None, lang: str) -> str:
    zh = lang == "zh"
    if stop is not None:
        outcome = _OUTCOMES[stop[0]]
        return f"{outcome.zh if zh else outcome.en} {_at(stop[1])}"
    due = f"{'到期' if zh else 'due'} {_at(due_at)}"
    if held_at is not None:
        return f"{'停计自' if zh else 'held since'} {_at(held_at)}"
    return f"{'计时中，' if zh else 'running, '}{due}"


def _clock(kind: str, lang: str) -> str:
    if kind not in set(ClockKind):
        return kind
    words = CLOCKS[ClockKind(kind)]
    return words.zh if lang == "zh" else words.en


def _at(moment: datetime) -> str:
    return moment.astimezone().isoformat(sep=" ", timespec="microseconds" if moment.microsecond else "seconds")
