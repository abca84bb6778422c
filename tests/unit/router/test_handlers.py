"""A batch of records to order events, on fakes."""

import asyncio
import gc
import weakref
from dataclasses import replace
from datetime import timedelta

import pytest

from services.router import rulebooks as rulebooks_module
from services.router.domain.rulebook import Rulebook
from services.router.handlers import route_batch
from services.router.rulebooks import ShelvedRulebooks
from shared.events.case import CaseSigned
from shared.events.codec import decode
from shared.events.order import OrderIssued, OrderWithdrawn
from shared.events.parts import PlaybookRef
from shared.playbook.model import Playbook
from shared.playbook.record import sealed, to_message
from shared.playbook.shelf import PlaybookShelf
from shared.runtime.delivery import Record
from shared.vocabulary import OrderReason, OrderRole
from tests.fakes.router import (
    NOW,
    SYSTEM,
    OneRulebook,
    a_case,
    department,
    desk,
    escalated,
    event,
    opened,
    record,
    reopened,
    returned,
)

LATER = NOW + timedelta(hours=1)


async def test_each_kind_of_cause_leads_to_its_orders(book: Rulebook) -> None:
    case = a_case(category="04.002")
    causes = (
        opened(case),
        reopened(replace(case, reopened=1)),
        returned(case, department("yunxi-construction")),
        escalated(case, "990101101"),
    )
    routed = await route_batch([record(event(cause)) for cause in causes], rulebooks=OneRulebook(book), now=NOW)
    reasons = [order.data.order.reason for order in routed.orders]
    assert reasons == [
        OrderReason.RULE,
        OrderReason.REOPENED,
        OrderReason.RETURNED,
        OrderReason.ESCALATED,
        OrderReason.ESCALATED,
    ]
    assert routed.orders[1].data.order.generation == 1
    taken, withdrawn = routed.orders[-2].data, routed.orders[-1].data
    assert isinstance(taken, OrderIssued)
    assert isinstance(withdrawn, OrderWithdrawn)
    assert withdrawn.replaced_by == taken.order.order_id
    assert routed.rejected == []


async def test_orders_go_to_the_topic_of_their_level_keyed_by_case_and_read_back(book: Rulebook) -> None:
    cause = event(opened(a_case(category="03.001", version=7), "被困"), sequence=7)
    routed = await route_batch([record(cause)], rulebooks=OneRulebook(book), now=NOW)
    messages = routed.messages
    assert {message.topic for message in messages} == {"whistle.order.county.v1", "whistle.order.town.v1"}
    for message, order in zip(messages, routed.orders, strict=True):
        assert message.key == str(cause.data.case.case_id).encode()
        back = decode(message.value, message.headers)
        assert back.data == order.data
        assert (back.sequence, back.id) == (7, order.id)


async def test_words_in_the_report_route_it_again_after_it_was_reopened(book: Rulebook) -> None:
    first = a_case(category="03.001")
    again = replace(first, reopened=1)
    causes = (opened(first, "有人被困"), replace(reopened(again), text="有人被困"))
    routed = await route_batch([record(event(cause)) for cause in causes], rulebooks=OneRulebook(book), now=NOW)
    without = await route_batch([record(event(reopened(again)))], rulebooks=OneRulebook(book), now=NOW)
    told = [one.data for one in (*routed.orders, *without.orders) if isinstance(one.data, OrderIssued)]
    rules = [one.explanation.rule_id for one in told]
    some = sum(1 for one in told if one.case.reopened == 0)
    assert rules[:some] == rules[some : 2 * some]
    assert rules[2 * some :] != rules[:some]


async def test_the_same_input_twice_makes_the_same_ids(book: Rulebook) -> None:
    case = a_case(category="03.001")
    records = [record(event(cause)) for cause in (opened(case), returned(case, desk("990101101200")))]
    first = await route_batch(records, rulebooks=OneRulebook(book), now=NOW)
    again = await route_batch(records, rulebooks=OneRulebook(book), now=LATER)
    assert [order.id for order in first.orders] == [order.id for order in again.orders]
    assert len({order.id for order in first.orders}) == len(first.orders)


async def test_a_replay_under_a_newer_playbook_never_makes_a_second_lead(book: Rulebook) -> None:
    newer = Rulebook(replace(book.playbook, rules=()))
    records = [record(event(opened(a_case(category="04.002"))))]
    leads = []
    for rulebook in (book, newer):
        routed = await route_batch(records, rulebooks=OneRulebook(rulebook), now=NOW)
        leads += [order for order in routed.orders if order.data.order.role is OrderRole.LEAD]
    assert leads[0].data.order.target != leads[1].data.order.target
    assert leads[0].id == leads[1].id, "consumers drop the second as a repeat"


async def test_what_calls_for_no_order_is_passed_over_undecoded(book: Rulebook) -> None:
    signed = CaseSigned(
        case=a_case(), by=SYSTEM, order_id=a_case().case_id, order_role=OrderRole.LEAD, target=desk("990101")
    )
    spoiled = record(event(signed))._replace(value=b"not json")
    routed = await route_batch([spoiled], rulebooks=OneRulebook(book), now=NOW)
    assert (routed.orders, routed.rejected) == ([], [])


async def test_one_bad_record_is_set_aside_with_its_reason_and_the_others_go_on(book: Rulebook) -> None:
    good = record(event(opened(a_case())))
    bad = [
        good._replace(value=b"{}"),
        good._replace(headers=()),
        record(event(opened(a_case(area="990777001", category="05.001")))),
    ]
    routed = await route_batch([*bad, good], rulebooks=OneRulebook(book), now=NOW)
    assert len(routed.orders) == 1
    reasons = [rejected.reason for rejected in routed.rejected]
    assert "case" in reasons[0]
    assert "missing header" in reasons[1]
    assert "990777" in reasons[2]


async def test_a_trace_goes_on_through_the_order(book: Rulebook) -> None:
    trace_id = "0af7651916cd43dd8448eb211c80319c"
    cause = event(opened(a_case()), traceparent=f"00-{trace_id}-b7ad6b7169203331-01")
    routed = await route_batch([record(cause)], rulebooks=OneRulebook(book), now=NOW)
    assert trace_id in (routed.orders[0].traceparent or "")


async def test_a_case_is_routed_under_the_version_it_was_opened_with(book: Rulebook) -> None:
    shelf = PlaybookShelf()
    newer = replace(book.playbook, version="newer", digest="f" * 64)
    await shelf.put(book.playbook)
    await shelf.put(newer)
    rulebooks = ShelvedRulebooks(shelf, patience=timedelta(seconds=1))
    own = PlaybookRef(version=book.playbook.version, digest=book.playbook.digest)
    assert (await rulebooks.of(a_case(playbook=own))).playbook == book.playbook
    assert (await rulebooks.of(a_case())).playbook.version == "newer", (
        "an unknown version gives way to the one in force"
    )
    assert await rulebooks.of(a_case()) is await rulebooks.of(a_case()), "compiled once"


async def test_only_so_many_rulebooks_are_kept_compiled(book: Rulebook) -> None:
    shelf = PlaybookShelf()
    refs = [PlaybookRef(version=str(number), digest=str(number) * 64) for number in range(4)]
    for ref in refs:
        await shelf.put(replace(book.playbook, version=ref.version, digest=ref.digest))
    rulebooks = ShelvedRulebooks(shelf, patience=timedelta(seconds=1), kept=2)
    first = await rulebooks.of(a_case(playbook=refs[0]))
    await rulebooks.of(a_case(playbook=refs[1]))
    assert await rulebooks.of(a_case(playbook=refs[0])) is first, "still kept"
    await rulebooks.of(a_case(playbook=refs[2]))
    assert await rulebooks.of(a_case(playbook=refs[0])) is first, "the one not used for longest went"
    await rulebooks.of(a_case(playbook=refs[1]))
    await rulebooks.of(a_case(playbook=refs[3]))
    again = await rulebooks.of(a_case(playbook=refs[0]))
    assert again is not first
    assert again.ref == first.ref


async def test_a_batch_sees_the_playbooks_of_the_moment_at_which_it_began(book: Rulebook) -> None:
    shelf = PlaybookShelf()
    newer = replace(book.playbook, version="newer", digest="f" * 64)
    other = replace(book.playbook, county="990102", version="other", digest="e" * 64)
    rulebooks = ShelvedRulebooks(shelf, patience=timedelta(seconds=5))
    await shelf.put(book.playbook)
    before = rulebooks.in_force()
    late = asyncio.create_task(before.of(a_case(area="990102001001")))
    await asyncio.sleep(0)
    await shelf.put(newer)
    await shelf.put(other)
    own = PlaybookRef(version="newer", digest="f" * 64)
    assert (await before.of(a_case())).ref.version == book.playbook.version
    assert (await before.of(a_case(playbook=own))).ref.version == book.playbook.version, "not known at that moment"
    assert (await late).ref.version == "other", "a county that had none is waited for"
    await shelf.put(replace(other, version="third", digest="d" * 64))
    assert (await before.of(a_case(area="990102001001", playbook=own))).ref.version == "other", "and then stays"
    assert (await rulebooks.in_force().of(a_case())).ref.version == "newer"


async def test_a_playbook_is_compiled_before_it_comes_into_force_and_one_that_cannot_be_is_refused(
    book: Rulebook, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = PlaybookShelf()
    rulebooks = ShelvedRulebooks(shelf, patience=timedelta(seconds=5))
    sealed_book = sealed(book.playbook)
    await shelf.receive(playbook_record(sealed_book))
    first = await rulebooks.of(a_case())
    compiling: list[str] = []

    def compile_slowly(playbook: Playbook) -> Rulebook:
        compiling.append(shelf.of(playbook.county).version)
        if playbook.version == "bad":
            raise ValueError("no such thing")
        return Rulebook(playbook)

    monkeypatch.setattr(rulebooks_module, "Rulebook", compile_slowly)
    await shelf.receive(playbook_record(sealed(replace(sealed_book, version="second"))))
    assert compiling == [first.ref.version], "the old one was in force meanwhile"
    assert (await rulebooks.of(a_case())).ref.version == "second"
    await shelf.receive(playbook_record(sealed(replace(sealed_book, version="bad"))))
    assert compiling == [first.ref.version, "second"]
    assert (await rulebooks.of(a_case())).ref.version == "second"
    assert "cannot be compiled: ValueError: no such thing" in str(shelf.refusals["990101"])
    await shelf.receive(playbook_record(sealed_book))
    assert await rulebooks.of(a_case()) is first, "a roll-back finds what was compiled"
    assert shelf.refusals == {}


def playbook_record(playbook: Playbook) -> Record:
    message = to_message(playbook, published_at=NOW)
    return Record(message.topic, 0, 7, message.key, message.value, message.headers, 0)


async def test_a_county_without_a_playbook_is_waited_for_once_and_then_refused_at_once(book: Rulebook) -> None:
    shelf = PlaybookShelf()
    await shelf.put(book.playbook)
    rulebooks = ShelvedRulebooks(shelf, patience=timedelta(seconds=0.2))
    records: list[Record] = [record(event(opened(a_case(area=f"990777{n:03}")))) for n in range(50)]
    routed = await route_batch(records, rulebooks=rulebooks, now=NOW)
    assert len(routed.rejected) == 50
    assert "then send this dead letter again" in routed.rejected[0].reason


async def test_a_rulebook_is_freed_when_it_is_dropped_without_any_collection(book: Rulebook) -> None:
    """It is kept out of collections: a reference cycle in it would never be freed."""
    gc.collect()
    gc.disable()
    try:
        of_this = Rulebook(book.playbook)
        (await route_batch([record(event(opened(a_case())))], rulebooks=OneRulebook(of_this), now=NOW)).orders.clear()
        dropped = weakref.ref(of_this)
        del of_this
        assert dropped() is None
        assert gc.collect() < 1000
    finally:
        gc.enable()
