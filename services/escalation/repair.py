"""``python -m services.escalation.repair CASE --by WHO --reason WHY``: put the clocks of one case right, or show it.

An operator's program on the service's own settings, beside the service that runs (docs/decisions/0029). Exit status:
0 nothing to do, or done; 1 it cannot be done now; 2 misused; 3 a dry run found differences.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from pydantic import ValidationError

from services.escalation.case_log import case_log
from services.escalation.handlers.repairing import Repaired, repair_case
from services.escalation.history import LogAway
from services.escalation.repair_ports import Asked
from services.escalation.repair_words import as_json, in_words, language
from services.escalation.settings import Settings
from services.escalation.store.repairing import PostgresRepairs
from shared.events.topics import CASE, ORDER, PLAYBOOK, SLA
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.compacted import CompactedReader
from shared.runtime.postgres import OUTAGES, PoolSettings, open_pool
from shared.vocabulary import Refused

FAILED: Final = 1
MISUSED: Final = 2
DIFFERS: Final = 3
CATCH_UP: Final = timedelta(seconds=60)
LONGEST_TEXT: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Topics:
    """What is folded, what clocks say and where playbooks are; a test has its own on a shared broker."""

    folded: tuple[str, ...] = (CASE.name, *(topic.name for topic in ORDER.values()))
    said: str = SLA.name
    playbooks: str = PLAYBOOK.name


async def repair(asked: Asked, settings: Settings, *, topics: Topics | None = None) -> Repaired:
    """Put one case right on the real log and database.

    Raises:
        Refused: there is nothing to put it right by, or the fold runs ahead of it.
        LogAway: Kafka does not answer.
        OSError: PostgreSQL does not answer (or another of ``OUTAGES``).
    """
    topics = topics or Topics()
    shelf = PlaybookShelf()
    reader = CompactedReader(settings.kafka, topics.playbooks, shelf.receive)
    reading = asyncio.create_task(reader.run())
    pool = await open_pool(settings.postgres, "escalation", settings=PoolSettings(largest=2))
    try:
        async with case_log(settings.kafka, asked.case_id, topics=topics.folded, said=topics.said) as log:
            try:
                await reader.caught_up(CATCH_UP)
            except TimeoutError:
                raise LogAway(reader.failing or f"{topics.playbooks} was not read to its end in time") from None
            store = PostgresRepairs(pool, topics=topics.folded)
            return await repair_case(asked, store=store, log=log, playbooks=shelf)
    finally:
        await reader.stop()
        await asyncio.gather(reading, return_exceptions=True)
        await pool.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status."""
    given = _parser().parse_args(arguments)
    problem = _misused(given)
    if problem:
        return _fail(problem, MISUSED)
    asked = Asked(
        case_id=given.case, by=(given.by or "").strip(), reason=(given.reason or "").strip(), dry_run=given.dry_run
    )
    try:
        repaired = asyncio.run(repair(asked, Settings()))
    except ValidationError as error:
        names = ", ".join(f"WHISTLE_{'_'.join(str(part) for part in one['loc']).upper()}" for one in error.errors())
        return _fail(f"a setting is missing or wrong: {names}", MISUSED)
    except Refused as refused:
        return _fail(refused.reason, FAILED)
    except LogAway as away:
        return _fail(f"Kafka does not answer: {away}; check WHISTLE_KAFKA", FAILED)
    except OUTAGES as error:
        return _fail(f"PostgreSQL does not answer: {type(error).__name__}: {error}; check WHISTLE_POSTGRES", FAILED)
    lines = [as_json(repaired)] if given.json else list(in_words(repaired, language()))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return DIFFERS if asked.dry_run and repaired.differs else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m services.escalation.repair", description=(__doc__ or "").strip())
    parser.add_argument("case", type=UUID, metavar="CASE", help="the case's id")
    parser.add_argument("--by", help="who repairs, by name; kept with the repair")
    parser.add_argument("--reason", help="why; kept with the repair")
    parser.add_argument("--dry-run", action="store_true", help="show the difference and write nothing")
    parser.add_argument("--json", action="store_true", help="print one line of JSON, for programs")
    return parser


def _misused(given: argparse.Namespace) -> str | None:
    for name in ("by", "reason"):
        text = (getattr(given, name) or "").strip()
        if not text and not given.dry_run:
            return f"--{name} is needed: a repair is kept with who did it and why (or look first, with --dry-run)"
        if len(text) > LONGEST_TEXT:
            return f"--{name} has {len(text)} characters, at most {LONGEST_TEXT} are allowed"
    return None


def _fail(problem: str, status: int) -> int:
    sys.stderr.write(f"{problem}\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
