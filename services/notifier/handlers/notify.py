"""A batch of events is told: folded into the read side, queued for webhooks, appended to the feed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from services.notifier.domain.audience import hears, may_hear
from services.notifier.domain.delivery import Reason
from services.notifier.domain.fold import CaseRead, Told, fold
from services.notifier.domain.proposals import Ruling, ruling_of
from services.notifier.domain.telling import Telling, delivery_id, tell, thin, thin_circular
from services.notifier.domain.words import Codes, Names
from services.notifier.ports import County, Owed, ReadSide, Subscriber
from shared.events.case import CaseRuled
from shared.events.envelope import Event
from shared.vocabulary import COUNTY_DIGITS, Purpose


class Uncharted(Codes):
    """Where no playbook is at hand: codes for names, and no mode shortens a pause."""

    def reopening(self, area: str) -> timedelta | None:  # noqa: ARG002  see ``ports.County``
        """See ``ports.County``."""
        return None

    def longest_pause(self, area: str, mode: str) -> timedelta | None:  # noqa: ARG002  see ``ports.County``
        """See ``ports.County``."""
        return None


UNCHARTED: Final = Uncharted()


async def notify_batch(
    events: Sequence[Event[Told]], *, read_side: ReadSide, now: datetime, county: County = UNCHARTED
) -> Sequence[Telling]:
    """Tell ``events`` in one transaction and return those that were new; a repeat changes nothing.

    Raises:
        Unstorable: when the database will never take one of them; nothing has changed then.
    """
    if not events:
        return []
    async with read_side.work() as work:
        cases = dict(await work.open_cases({event.data.case.case_id for event in events}))
        told = await work.told({event.id for event in events})
        tellings = fold_and_tell(_new(events, told), cases, county)
        if tellings:
            changed = {telling.facets.case_id for telling in tellings}
            subscribers = await work.subscribers(
                {telling.facets.area for telling in tellings},
                counties={telling.facets.area[:COUNTY_DIGITS] for telling in tellings if telling.facets.circular},
            )
            await work.save([cases[case_id] for case_id in sorted(changed)], tellings)
            await work.remember(list(_rulings(tellings)))
            await work.follow([telling.link for telling in tellings if telling.link is not None])
            await work.owe(list(owed(tellings, subscribers, county)), now=now)
            await work.publish(tellings)
    return tellings


def fold_and_tell(
    events: Iterable[Event[Told]], cases: dict[UUID, CaseRead], names: Names = UNCHARTED
) -> list[Telling]:
    """Fold each event into its case in ``cases`` and return how each is told."""
    tellings: list[Telling] = []
    for event in events:
        case_id = event.data.case.case_id
        read = cases[case_id] = fold(cases.get(case_id), event)
        tellings.append(tell(event, read, names))
    return tellings


def owed(tellings: Iterable[Telling], subscribers: Sequence[Subscriber], county: County = UNCHARTED) -> Iterable[Owed]:
    """Return a delivery for each event and each subscriber that may and wants to hear it.

    A drill is told to nobody outside: its deliveries are held, for a person to see that they were.
    """
    for telling in tellings:
        hearing = [one for one in subscribers if hears(one.scope, one.asked, telling.facets)]
        if hearing:
            body = msgspec.json.encode(thin(telling)).decode()
            known = None if telling.circular is None else msgspec.json.encode(thin_circular(telling)).decode()
            for one in hearing:
                yield Owed(
                    delivery_id=delivery_id(telling.event_id, one.subscription_id),
                    subscription_id=one.subscription_id,
                    telling=telling,
                    body=body if known is None or may_hear(one.scope, telling.facets) else known,
                    held=Reason.DRILL if telling.facets.purpose is Purpose.DRILL else None,
                    longest_pause=county.longest_pause(telling.facets.area, telling.facets.mode),
                )


def _rulings(tellings: Iterable[Telling]) -> Iterator[Ruling]:
    for telling in tellings:
        if isinstance(telling.data, CaseRuled):
            found = ruling_of(telling.data, event_id=telling.event_id, at=telling.time)
            if found is not None:
                yield found


def _new(events: Iterable[Event[Told]], told: Iterable[UUID]) -> Iterable[Event[Told]]:
    seen = set(told)
    for event in events:
        if event.id not in seen:
            seen.add(event.id)
            yield event
