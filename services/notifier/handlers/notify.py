"""A batch of events is told: folded into the read side, queued for webhooks, appended to the feed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from services.notifier.domain.audience import hears
from services.notifier.domain.fold import CaseRead, Told, fold
from services.notifier.domain.telling import Telling, delivery_id, tell, thin
from services.notifier.ports import Owed, ReadSide, Subscriber
from shared.events.envelope import Event


async def notify_batch(events: Sequence[Event[Told]], *, read_side: ReadSide, now: datetime) -> Sequence[Telling]:
    """Tell ``events`` in one transaction and return those that were new; a repeat changes nothing.

    Raises:
        Unstorable: when the database will never take one of them; nothing has changed then.
    """
    if not events:
        return []
    async with read_side.work() as work:
        cases = dict(await work.open_cases({event.data.case.case_id for event in events}))
        told = await work.told({event.id for event in events})
        tellings = fold_and_tell(_new(events, told), cases)
        if tellings:
            changed = {telling.facets.case_id for telling in tellings}
            subscribers = await work.subscribers({telling.facets.area for telling in tellings})
            await work.save([cases[case_id] for case_id in sorted(changed)], tellings)
            await work.owe(list(owed(tellings, subscribers)), now=now)
            await work.publish(tellings)
    return tellings


def fold_and_tell(events: Iterable[Event[Told]], cases: dict[UUID, CaseRead]) -> list[Telling]:
    """Fold each event into its case in ``cases`` and return how each is told."""
    tellings: list[Telling] = []
    for event in events:
        case_id = event.data.case.case_id
        read = cases[case_id] = fold(cases.get(case_id), event)
        tellings.append(tell(event, read))
    return tellings


def owed(tellings: Iterable[Telling], subscribers: Sequence[Subscriber]) -> Iterable[Owed]:
    """Return a delivery for each event and each subscriber that may and wants to hear it."""
    for telling in tellings:
        hearing = [one for one in subscribers if hears(one.scope, one.asked, telling.facets)]
        if hearing:
            body = msgspec.json.encode(thin(telling)).decode()
            for one in hearing:
                yield Owed(
                    delivery_id=delivery_id(telling.event_id, one.subscription_id),
                    subscription_id=one.subscription_id,
                    telling=telling,
                    body=body,
                )


def _new(events: Iterable[Event[Told]], told: Iterable[UUID]) -> Iterable[Event[Told]]:
    seen = set(told)
    for event in events:
        if event.id not in seen:
            seen.add(event.id)
            yield event
