"""Edge in from time: walks all cases, slice by slice, and says where clocks are not as the facts demand.

It mends nothing: a difference is a fault of ours or of somebody's hand in the database, and whoever repairs it
(``whistle clocks repair CASE``) says why. Replicas take turns, by a row in the database.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from services.escalation.audit_ports import AuditStore, Counts, Passes
from services.escalation.domain.audit import Finding
from services.escalation.handlers.auditing import Looked, Pace, audit_slice
from services.escalation.ports import Playbooks
from shared.runtime.postgres import OUTAGES
from shared.runtime.waking import woken

LONGEST_REST: Final = timedelta(seconds=5)
TOLD: Final = 10_000
"""Cases whose findings are remembered as told; beyond it the oldest is told again."""

log = logging.getLogger(__name__)


class Auditor:
    """Looks, rests, and tells of each case once, until what is found there changes."""

    def __init__(self, store: AuditStore, *, playbooks: Playbooks, pace: Pace | None = None) -> None:
        self._store = store
        self._playbooks = playbooks
        self._pace = pace or Pace()
        self._told: OrderedDict[UUID, frozenset[object]] = OrderedDict()
        self._stopping = asyncio.Event()
        self.passes = Passes(counts=Counts())

    async def run(self) -> None:
        """Look until ``stop``; an outage of PostgreSQL is sat out."""
        while not self._stopping.is_set():
            rest = LONGEST_REST
            try:
                looked = await audit_slice(store=self._store, playbooks=self._playbooks, pace=self._pace)
                self.passes = await self._store.passes()
            except OUTAGES as error:
                log.warning("the auditor waits: %s: %s", type(error).__name__, error)
            else:
                if looked is not None:
                    self._tell(looked)
                    rest = min(rest, looked.pause)
            await woken(self._stopping, within=rest.total_seconds())

    def stop(self) -> None:
        """End after the slice in hand."""
        self._stopping.set()

    def _tell(self, looked: Looked) -> None:
        for case_id in looked.right:
            self._told.pop(case_id, None)
        for case_id, findings in _by_case(looked.findings):
            said = frozenset((one.kind, one.clock_id) for one in findings)
            if self._told.get(case_id) == said:
                continue
            self._told[case_id] = said
            self._told.move_to_end(case_id)
            if len(self._told) > TOLD:
                self._told.popitem(last=False)
            _say(case_id, findings)


def _say(case_id: UUID, findings: Sequence[Finding]) -> None:
    each = "; ".join(
        f"{one.kind} {one.clock or 'clocks'} ({one.stored} → {one.demanded or 'what the facts demand'})"
        for one in findings
    )
    log.error(
        "the clocks of case %s are not what its facts demand: %s. Look with `whistle clocks repair %s --dry-run`, "
        "mend it with `--by WHO --reason WHY`",
        case_id,
        each,
        case_id,
        extra={"event.name": "escalation.clocks_wrong", "case": str(case_id)},
    )


def _by_case(findings: Iterable[Finding]) -> Iterable[tuple[UUID, Sequence[Finding]]]:
    cases: dict[UUID, list[Finding]] = {}
    for one in findings:
        cases.setdefault(one.case_id, []).append(one)
    return cases.items()
