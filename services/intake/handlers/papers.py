"""Reports that are ready are kept, many in one transaction; a client key is answered once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from services.intake.handlers.doors import Doors, KeyReused, Reply, answer_to_report, replay
from services.intake.handlers.drafting import Draft
from services.intake.handlers.filing import Filing, file_all
from services.intake.ports import Answer, ClientKey, Transaction
from shared.runtime.postgres import CONFLICTS
from shared.vocabulary import Refused

TRIES: Final = 4
"""A key that another replica keeps in the same moment is answered at the next try: it is there then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """A report ready to be kept, the key that its sender gave it, and in bytes what was asked under that key."""

    draft: Draft
    key: ClientKey | None
    asked: bytes


class KeptMeanwhile(Exception):  # noqa: N818  named for what is the matter
    """Another transaction has kept something under one of these keys; nothing of this one is."""


async def keep_all(papers: Sequence[Paper], *, doors: Doors) -> list[Reply | Exception]:
    """The answer to each paper, in order, once all that are new are durable in one transaction; or its refusal.

    Raises:
        KeptMeanwhile: other replicas keep these keys again and again; nothing was kept.
        Exception: an outage, or the fault of a paper; nothing was kept.
    """
    return await until_kept(lambda: _keep(papers, doors))


async def until_kept(keep: Callable[[], Awaitable[list[Reply | Exception]]]) -> list[Reply | Exception]:
    """What ``keep`` gives, tried again when another transaction was in its way.

    Raises:
        Exception: what it raised at the last try, or what another try would not mend.
    """
    for _ in range(TRIES - 1):
        with suppress(KeptMeanwhile, *CONFLICTS):
            return await keep()
    return await keep()


async def _keep(papers: Sequence[Paper], doors: Doors) -> list[Reply | Exception]:
    async with doors.store.transaction() as transaction:
        known = await _answers(papers, transaction)
        new = _first_of_each_key(papers, known)
        filed = await file_all([papers[place].draft for place in new], transaction, doors=doors)
        ended = dict(zip(new, filed, strict=True))
        filings = {place: end for place, end in ended.items() if isinstance(end, Filing)}
        fresh = _fresh(papers, filings, doors)
        if fresh and await transaction.claim(fresh) != fresh.keys():
            raise KeptMeanwhile("another replica keeps the same keys in this moment")
        await transaction.save([change for filing in filings.values() for change in filing.changes])
        await transaction.file([filing.report for filing in filings.values()])
    refused = {papers[place].key: end for place, end in ended.items() if isinstance(end, Refused)}
    answers = {**known, **fresh}
    return [
        # A repeat of what was refused in this batch is refused alike.
        _reply(paper, ended.get(place) or refused.get(paper.key), answers, doors)
        for place, paper in enumerate(papers)
    ]


async def _answers(papers: Sequence[Paper], transaction: Transaction) -> Mapping[ClientKey, Answer]:
    keys = {paper.key for paper in papers if paper.key is not None}
    return await transaction.answers(keys) if keys else {}


def _first_of_each_key(papers: Sequence[Paper], known: Mapping[ClientKey, Answer]) -> list[int]:
    """The places of those that nobody has kept, a key that comes twice but once."""
    seen = set(known)
    new: list[int] = []
    for place, paper in enumerate(papers):
        if paper.key is None:
            new.append(place)
        elif paper.key not in seen:
            seen.add(paper.key)
            new.append(place)
    return new


def _fresh(papers: Sequence[Paper], filings: Mapping[int, Filing], doors: Doors) -> dict[ClientKey, Answer]:
    """The answers that are new under a key."""
    return {
        paper.key: answer_to_report(filing.answer, paper.asked, doors.vault)
        for place, filing in filings.items()
        if (paper := papers[place]).key is not None
    }


def _reply(
    paper: Paper, ended: Filing | Refused | None, answers: Mapping[ClientKey, Answer], doors: Doors
) -> Reply | Exception:
    if isinstance(ended, Filing):
        return Reply(body=ended.answer)
    if isinstance(ended, Refused) or paper.key is None:
        return ended or Refused("a report without a key was not filed")
    try:
        return replay(answers[paper.key], paper.asked, doors.vault)
    except KeyReused as refusal:
        return refusal
