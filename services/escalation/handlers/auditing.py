"""A slice of the cases is looked at: what differs is read again under its lane, and told; nothing is mended."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.escalation.audit_ports import AuditStore, Counts, StoredCase
from services.escalation.domain.audit import Audited, Books, Finding, audit, without_facts
from services.escalation.ports import Playbooks
from shared.playbook.model import Playbook
from shared.playbook.shelf import UnknownCounty

LEASE: Final = timedelta(minutes=2)
"""Longer than any slice takes; a replica that dies in one leaves the turn to others after so long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast the auditor goes: a pass in ``whole``, ``most`` cases at a time, at work for ``share`` of the time."""

    whole: timedelta = timedelta(hours=1)
    most: int = 100
    share: float = 0.1

    def pause(self, *, cases: int, worked: timedelta) -> timedelta:
        """How long to rest after a slice that took ``worked``, of about ``cases`` cases in all."""
        slices = max(1.0, cases / self.most)
        return max(self.whole / slices - worked, worked * (1 / self.share - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a slice came to: its findings by case, and the cases that stand as they must."""

    findings: Sequence[Finding]
    right: Sequence[UUID]
    is_whole: bool
    pause: timedelta


async def audit_slice(*, store: AuditStore, playbooks: Playbooks, pace: Pace) -> Looked | None:
    """Look at the next slice when it is its time; None when it is not, or another replica has the turn."""
    turn = await store.take(lease=LEASE)
    if turn is None:
        return None
    began = time.monotonic()
    books = books_of(playbooks)
    found = await store.slice(turn.after, most=pace.most)
    counts, findings, right = Counts(), list[Finding](), list[UUID]()
    for case in found.cases:
        # The fold and the timers share this loop: nobody waits for more than one case.
        await asyncio.sleep(0)
        audited = await _look(case, store, books)
        if audited is None:
            continue
        counts = counts.plus(_counted(case, audited))
        findings.extend(audited.findings)
        if not audited.findings:
            right.append(case.case_id)
    worked = timedelta(seconds=time.monotonic() - began)
    pause = pace.pause(cases=await store.cases(), worked=worked)
    kept = await store.done(turn, last=found.last, counts=turn.counts.plus(counts), pause=pause)
    return Looked(findings=findings, right=right, is_whole=found.last is None, pause=pause) if kept else None


def books_of(playbooks: Playbooks) -> Books:
    """The playbooks as a pure question: None where none is in force."""

    def of(area: str) -> Playbook | None:
        try:
            return playbooks.of(area)
        except UnknownCounty:
            return None

    return of


async def _look(case: StoredCase, store: AuditStore, books: Books) -> Audited | None:
    """What is to be said of a case; a difference counts only when it is there while nobody folds the case."""
    audited = looked_at(case, books)
    if not audited.findings:
        return audited
    again = await store.again(case.case_id, case.partition)
    return None if again is None else looked_at(again, books)


def looked_at(case: StoredCase, books: Books) -> Audited:
    """One case as it was read."""
    if case.facts is None:
        return Audited(findings=(without_facts(case.case_id, case.rows, case.why),), standing=None)
    return audit(case.facts, case.rows, books)


def _counted(case: StoredCase, audited: Audited) -> Counts:
    return Counts(
        cases=1,
        clocks=len(case.rows),
        findings=Counter(finding.kind for finding in audited.findings),
        open={} if audited.standing is None else {audited.standing: 1},
    )
