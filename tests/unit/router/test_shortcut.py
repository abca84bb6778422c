"""The quick way for opened cases writes what the ordinary way writes, byte for meaning, or leaves it to it."""

import gc
import json
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import msgspec
import pytest

from services.router.domain.facts import Facts
from services.router.domain.routing import route
from services.router.domain.rulebook import Rulebook
from services.router.domain.signature import Signer, depends_on_desk
from services.router.domain.tally import Tally
from services.router.handlers import Routed, route_batch
from services.router.memory import Memory
from services.router.narrow import Opened
from services.router.publisher import Template, derived
from services.router.shortcut import KEY_BYTES, SIGNERS, Rendered, Shortcut
from shared.events.case import CaseOpened
from shared.events.codec import adapter, decode
from shared.events.envelope import WHISTLE, derive_id
from shared.events.parts import CaseView, Target
from shared.runtime.delivery import Record
from shared.vocabulary import CaseState, Purpose, Severity, TargetKind
from tests.fakes.made_rules import Maker
from tests.fakes.router import NOW, OneRulebook, a_case, event, opened, record, returned
from tests.fakes.small_county import small_county

TRACED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EXAMPLES = sorted(Path("shared/events/examples/whistle.case.opened.v1").glob("*.json"))


def record_of(facts: Facts, number: int = 0) -> Record:
    """The opening of a case like that of `facts`, as intake sends it."""
    case = replace(facts.case, case_id=uuid5(WHISTLE, f"case {number}"), returns=())
    cause = event(opened(case, facts.said.partition("\n")[2] or "x"), time=facts.at, traceparent=TRACED)
    return record(cause, offset=number)


async def both_ways(records: Sequence[Record], book: Rulebook, shortcut: Shortcut) -> tuple[Routed, Routed]:
    rulebooks = OneRulebook(book)
    plain = await route_batch(records, rulebooks=rulebooks, now=NOW)
    quick = await route_batch(records, rulebooks=rulebooks, now=NOW, shortcut=shortcut.batch(NOW))
    return plain, quick


async def test_the_quick_way_writes_what_the_ordinary_way_writes() -> None:
    remembered = 0
    for seed in range(40):
        maker = Maker(seed)
        book, shortcut = Rulebook(maker.playbook()), Shortcut(most_bytes=1 << 20)
        kinds = [maker.facts() for _ in range(12)]
        # Each kind of case three times: taken anew, and then repeated.
        records = [record_of(facts, number) for number, facts in enumerate(kinds * 3)]
        plain, quick = await both_ways(records, book, shortcut)
        assert len(quick.messages) == len(plain.messages)
        for one, other in zip(quick.messages, plain.messages, strict=True):
            assert (one.topic, one.key, one.headers) == (other.topic, other.key, other.headers)
            assert one.value == other.value
        assert (quick.tallies.issued, quick.tallies.shadows) == (plain.tallies.issued, plain.tallies.shadows)
        remembered += quick.tallies.remembered
    assert remembered > 40 * 12, "what always goes the ordinary way proves nothing"


def test_equal_signatures_mean_equal_decisions() -> None:
    alike = 0
    for seed in range(60):
        maker = Maker(seed)
        book = Rulebook(maker.playbook())
        signer = Signer(book)
        for one, other in ((maker.facts(), maker.facts()) for _ in range(15)):
            key, decision = signer.signature(one), route(one, book)
            assert (key is None) == (bool(one.refusing) or one.case.category == "77")
            for changed in altered(one, other):
                same = key is not None and signer.signature(changed) == key
                same = same and (changed.case.area == one.case.area or not depends_on_desk(decision))
                alike += same
                assert not same or route(changed, book) == decision
    assert alike > 60 * 15


def altered(one: Facts, other: Facts) -> Iterator[Facts]:
    """The same case with one thing of another."""
    for name in CaseView.__slots__:
        if getattr(one.case, name) != getattr(other.case, name):
            case = replace(one.case, **{name: getattr(other.case, name)})
            yield Facts.of(case, one.said.partition("\n")[2], at=one.at)
    yield Facts.of(one.case, one.said.partition("\n")[2], at=other.at)
    yield Facts.of(one.case, other.said.partition("\n")[2], at=one.at)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_narrow_view_reads_the_examples_as_the_codec_does(path: Path) -> None:
    written = json.loads(path.read_text(encoding="utf-8"))
    data = msgspec.json.encode(written.get("data", written))
    read, narrow = adapter(CaseOpened).validate_json(data), Opened(data)
    assert as_plain(narrow.case) == as_plain(read.case)
    assert narrow.text == read.text


def as_plain(case: Any) -> Any:
    """Every field of a case by its name, whatever class carries it."""
    return {name: msgspec.to_builtins(getattr(case, name)) for name in CaseView.__slots__}


@pytest.mark.parametrize(
    ("field", "wrong"),
    (
        ("severity", 9), ("severity", "II"), ("area", "9901"), ("area", "990101\n"), ("title", "x" * 81),
        ("opened_at", "2026-11-21T08:00:00"), ("tags", ["x" * 65]), ("tags", ["x"] * 33), ("case_id", "1"),
        ("reports", 0), ("place", {"lon": 181, "lat": 0}), ("source", "letter"), ("category", "a b"), ("county", "x"),
        ("version", 0), ("lead", {"kind": "desk"}), ("purpose", "fun"), ("returns", [{}]), ("mode", ""),
    ),
)  # fmt: skip
async def test_what_the_codec_refuses_is_refused_the_quick_way_too(book: Rulebook, field: str, wrong: object) -> None:
    shortcut = Shortcut(most_bytes=1 << 20)
    good = record_of(Facts.of(a_case(category="04.002"), "x"))
    value = json.loads(good.value or b"")
    value["case"][field] = wrong
    bad = good._replace(value=json.dumps(value).encode(), offset=2)
    plain, quick = await both_ways([good, bad, good], book, shortcut)
    assert [one.reason for one in plain.rejected] == [one.reason for one in quick.rejected] != []
    assert quick.tallies.remembered == 1


@pytest.mark.parametrize(
    ("name", "content"),
    (
        ("ce_id", b"5F2B7C1E-9d57-5c1a-8a6e-0d8f4e9b2a11"), ("ce_id", b"x"), ("ce_sequence", b"01"),
        ("ce_sequence", b"x"), ("ce_time", b"2026-11-21T08:00:00"), ("ce_time", b"x"), ("ce_specversion", b"2"),
        ("ce_subject", b"another"), ("ce_type", b"whistle.case.unheard.v1"), ("ce_source", b"\xff"),
        ("traceparent", b"x"), ("traceparent", b"00-" + b"0" * 32 + b"-b7ad6b7169203331-01"),
        ("traceparent", TRACED[:36].encode() + b"0" * 16 + b"-01"), ("traceparent", TRACED[:-2].encode() + b"ff"),
    ),
)  # fmt: skip
async def test_odd_headers_fare_as_they_always_did(book: Rulebook, name: str, content: bytes) -> None:
    shortcut = Shortcut(most_bytes=1 << 20)
    good = record_of(Facts.of(a_case(category="04.002"), "x"))
    headers = tuple((key, content if key == name else was) for key, was in good.headers)
    plain, quick = await both_ways([good, good._replace(headers=headers)], book, shortcut)
    assert quick.tallies.remembered == 0, "what is out of form is handed on by nobody as it is"
    assert [one.reason for one in plain.rejected] == [one.reason for one in quick.rejected]
    assert len(quick.messages) == len(plain.messages)
    for one, other in zip(quick.messages, plain.messages, strict=True):
        assert decode(one.value, one.headers).data == decode(other.value, other.headers).data
        assert [(key, was) for key, was in one.headers if key != "traceparent"] == [
            (key, was) for key, was in other.headers if key != "traceparent"
        ]


async def test_each_header_that_must_be_there_is_missed_the_same_way(book: Rulebook) -> None:
    good = record_of(Facts.of(a_case(category="04.002"), "x"))
    for name, _ in good.headers:
        left = tuple((key, was) for key, was in good.headers if key != name)
        plain, quick = await both_ways([good, good._replace(headers=left)], book, Shortcut(most_bytes=1 << 20))
        assert [one.reason for one in plain.rejected] == [one.reason for one in quick.rejected], name


@pytest.fixture(scope="module")
def blind(book: Rulebook) -> Rulebook:
    """The county without expressions: no rule of it looks at how often a case was given back or opened again."""
    return Rulebook(replace(book.playbook, rules=tuple(one for one in book.playbook.rules if not one.when.expression)))


@pytest.mark.parametrize("name", ("1", "5F2B7C1E-9D57-5C1A-8A6E-0D8F4E9B2A11", "{5f2b7c1e9d575c1a8a6e0d8f4e9b2a11}"))
async def test_a_case_id_out_of_form_takes_the_ordinary_way_though_value_and_header_agree(
    book: Rulebook, name: str
) -> None:
    good = record_of(Facts.of(a_case(category="04.002"), "x"))
    value = json.loads(good.value or b"")
    value["case"]["case_id"] = name
    headers = tuple((key, name.encode() if key == "ce_subject" else was) for key, was in good.headers)
    odd = good._replace(value=json.dumps(value).encode(), headers=headers, offset=1)
    plain, quick = await both_ways([good, odd], book, Shortcut(most_bytes=1 << 20))
    assert quick.tallies.remembered == 0
    assert [one.reason for one in quick.rejected] == [one.reason for one in plain.rejected]
    assert [(one.key, one.value) for one in quick.messages] == [(one.key, one.value) for one in plain.messages]


async def test_decisions_that_fit_no_other_case_are_not_mixed_up(blind: Rulebook) -> None:
    """None of them has a signature, and what has none is like nothing."""
    case = a_case(category="04.002")
    back = replace(case, returns=returned(case, Target(kind=TargetKind.DEPARTMENT, id="water")).case.returns)
    odd = (back, a_case(category="77"), a_case(category="77.1"), replace(back, severity=Severity.I))
    records = [record(event(opened(one, "x"), time=NOW, traceparent=TRACED), offset=at) for at, one in enumerate(odd)]
    plain, quick = await both_ways(records, blind, Shortcut(most_bytes=1 << 20))
    assert quick.tallies.remembered == 0
    assert [one.value for one in quick.messages] == [one.value for one in plain.messages]


@pytest.mark.parametrize("odd", ("returned", "reopened", "received", "empty", "doubled"))
async def test_what_is_odd_about_a_record_takes_the_ordinary_way(blind: Rulebook, odd: str) -> None:
    """Each like one whose decision is remembered, but for one thing that the signature does not hold."""
    book, case = blind, a_case(category="04.002")
    good = record_of(Facts.of(case, "x"))
    changed = {
        "returned": replace(case, returns=returned(case, Target(kind=TargetKind.DEPARTMENT, id="water")).case.returns),
        "reopened": replace(case, reopened=1),
        "received": replace(case, state=CaseState.RECEIVED),
    }.get(odd, case)
    bad = record(event(opened(changed, "x"), time=NOW, traceparent=TRACED), offset=1)
    if odd == "empty":
        bad = bad._replace(value=None)
    if odd == "doubled":
        bad = bad._replace(headers=(*bad.headers, ("traceparent", TRACED.replace("b7", "c8").encode())))
    learned = Shortcut(most_bytes=1 << 20)
    plain, quick = await both_ways([good, bad, good], book, learned)
    assert [one.reason for one in quick.rejected] == [one.reason for one in plain.rejected]
    assert [(one.topic, one.key, one.headers, one.value) for one in quick.messages] == [
        (one.topic, one.key, one.headers, one.value) for one in plain.messages
    ]
    assert quick.tallies.remembered == 1, "the last alone is given what the first was"
    # What comes after it is decided as if it had not been there; of a doubled header the decision is as good.
    plain, quick = await both_ways([bad, good], book, Shortcut(most_bytes=1 << 20))
    assert [one.value for one in quick.messages] == [one.value for one in plain.messages]
    assert quick.tallies.remembered == (odd == "doubled")


async def test_a_county_without_a_playbook_is_refused_after_others_were_remembered(book: Rulebook) -> None:
    known = record_of(Facts.of(a_case(category="04.002"), "x"))
    unknown = record_of(Facts.of(a_case(category="04.002", county="990102"), "x"))
    plain, quick = await both_ways([known, unknown, known], book, Shortcut(most_bytes=1 << 20))
    assert [one.reason for one in quick.rejected] == [one.reason for one in plain.rejected] != []
    assert quick.tallies.remembered == 1


async def test_fields_that_nobody_knows_yet_are_passed_on(book: Rulebook) -> None:
    good = record_of(Facts.of(a_case(category="04.002", purpose=Purpose.DRILL, severity=Severity.III), "x"))
    value = json.loads(good.value or b"")
    value["case"]["tomorrow"] = {"a": 1}
    newer = good._replace(value=json.dumps(value).encode())
    plain, quick = await both_ways([newer, newer], book, Shortcut(most_bytes=1 << 20))
    assert quick.tallies.remembered == 1
    for one, other in zip(quick.messages, plain.messages, strict=True):
        assert decode(one.value, one.headers).data == decode(other.value, other.headers).data


def test_ids_are_those_of_the_envelope() -> None:
    for number in range(300):
        parent = UUID(int=number * 2**100 + number)
        assert derived(f"{parent}|issued|{number}") == str(derive_id(parent, "issued", str(number)))


def test_memory_is_bounded_and_keeps_what_is_used() -> None:
    memory: Memory[int] = Memory(most=100)
    for number in range(1000):
        memory.put(number, number, size=1)
        assert memory.get(0) == 0
        assert len(memory) <= 100
    assert memory.get(1) is None
    assert memory.get(999) == 999


def test_rulebooks_that_are_gone_are_not_held() -> None:
    shortcut = Shortcut(most_bytes=1 << 20)
    books = [Rulebook(small_county(version=str(number))) for number in range(SIGNERS + 1)]
    assert shortcut.signer(books[0]) is shortcut.signer(books[0])
    held = [weakref.ref(shortcut.signer(one)) for one in books]
    gc.collect()
    assert sum(one() is not None for one in held) <= SIGNERS
    assert shortcut.signer(books[-1]) is held[-1]()


@pytest.mark.parametrize("size", (0, 10 * KEY_BYTES))
def test_what_is_remembered_counts_with_its_bytes_and_its_key(size: int) -> None:
    shortcut = Shortcut(most_bytes=40 * KEY_BYTES)
    rendered = Rendered(Tally((), (), 0), (Template("topic", "step", b"x" * size, b"", b"", b"", b"", b""),))
    for number in range(100):
        shortcut.remember(number, rendered)
    kept = sum(shortcut.recall(number) is not None for number in range(100))
    assert 0 < kept <= 40 * KEY_BYTES // (KEY_BYTES + size)
