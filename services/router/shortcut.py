"""The quick way for opened cases: a decision taken before is given to every case with the same signature.

The ordinary way decides and this remembers; so it can only repeat. Whatever is odd about a record (another
kind of event, a header out of form, a case given back, a county not seen in this batch) takes the
ordinary way, where its reason is found.
"""

import re
from collections.abc import Hashable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final, NamedTuple, cast

import msgspec

from services.router.domain.facts import Facts
from services.router.domain.rulebook import Rulebook
from services.router.domain.signature import Signer, depends_on_desk, is_repeatable
from services.router.domain.tally import Tally
from services.router.memory import Memory
from services.router.narrow import Opened
from services.router.ports import Taken
from services.router.publisher import Cause, Stamp, Template, templates_of
from shared.events.case import CaseOpened
from shared.events.codec import REQUIRED, Message
from shared.events.parts import CaseView
from shared.runtime.delivery import Record
from shared.vocabulary import CaseState, TargetKind

OPENED: Final = CaseOpened.TYPE.encode()
NOBODY: Final[frozenset[tuple[TargetKind, str]]] = frozenset()
NEEDED: Final = frozenset({*REQUIRED, "traceparent"})
_UUID: Final = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_SEQUENCE: Final = re.compile(rb"0|[1-9][0-9]{0,17}")
_TRACEPARENT: Final = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]")


class Rendered(NamedTuple):
    """A decision with its orders as bytes, all but what differs from case to case; `tally` is what it counts as."""

    tally: Tally
    templates: tuple[Template, ...]


BY_AREA: Final = Rendered(Tally((), (), 0), ())
"""Stands for a decision that has to be looked up once more, with the area."""


class Found(NamedTuple):
    """A remembered decision, and the event that it answers."""

    rendered: Rendered
    cause: Cause
    stamp: Stamp

    @property
    def tally(self) -> Tally:
        """See `ports.Found`."""
        return self.rendered.tally

    def messages(self, traceparent: str | None = None) -> list[Message]:
        """See `ports.Found`."""
        cause = self.cause if traceparent is None else replace(self.cause, traceparent=traceparent.encode())
        return [template.message(cause, self.stamp) for template in self.rendered.templates]


class Shortcut:
    """Decisions remembered by one process, for all counties."""

    def __init__(self, *, most_bytes: int) -> None:
        """Hold `most_bytes` of rendered orders, about."""
        self._memory: Memory[Rendered] = Memory(most=most_bytes)
        self._signers: dict[Rulebook, Signer] = {}

    def batch(self, now: datetime) -> "BatchShortcut":
        """Return the shortcut for one batch, whose orders are issued at `now`."""
        return BatchShortcut(self, now)

    def signer(self, book: Rulebook) -> Signer:
        """Return what signs cases for `book`."""
        signer = self._signers.get(book)
        if signer is None:
            # Rulebooks are few, and gone ones must not be held: begin anew when there have been many.
            if len(self._signers) >= SIGNERS:
                self._signers.clear()
            signer = self._signers[book] = Signer(book)
        return signer

    def recall(self, key: Hashable) -> Rendered | None:
        """Return what was remembered under `key`."""
        return self._memory.get(key)

    def remember(self, key: Hashable, rendered: Rendered) -> None:
        """Keep `rendered` under `key`, as long as there is room."""
        self._memory.put(key, rendered, size=KEY_BYTES + sum(template.size for template in rendered.templates))


SIGNERS: Final = 64
KEY_BYTES: Final = 1024
"""What a signature and the objects round the bytes take, about."""
Books = dict[tuple[str, str, str], Signer]


class BatchShortcut:
    """See `ports.Shortcut`: answers within one batch, by the rulebooks that the ordinary way was given in it."""

    def __init__(self, shortcut: Shortcut, now: datetime) -> None:
        """Begin a batch, whose orders are issued at `now`."""
        self._shortcut = shortcut
        self._stamp = Stamp.of(now)
        self._signers: Books = {}

    def find(self, record: Record, headers: Mapping[str, bytes]) -> Found | None:
        """See `ports.Shortcut`."""
        if headers.get("ce_type") != OPENED or record.value is None or len(headers) != len(record.headers):
            return None
        if not _in_form(headers):
            return None
        try:
            opened = Opened(record.value)
            at = datetime.fromisoformat(headers["ce_time"].decode())
        except ValueError:
            return None
        case = opened.case
        signer = self._signers.get((case.county, case.playbook.version, case.playbook.digest))
        if signer is None or case.returns or case.reopened or case.state is not CaseState.OPENED or at.tzinfo is None:
            return None
        rendered = self._recall(signer.signature(_facts(opened, at)), case.area)
        return None if rendered is None else self._filled(rendered, opened, headers)

    def learn(self, taken: Taken) -> None:
        """See `ports.Shortcut`."""
        signer, case = self._shortcut.signer(taken.book), taken.opened.case
        self._signers[case.county, case.playbook.version, case.playbook.digest] = signer
        # The round stands in its orders. The state needs no look: a case that waits for a person got none.
        if case.reopened or not is_repeatable(taken.decision):
            return
        key = signer.signature(taken.facts)
        if key is None:
            return
        if depends_on_desk(taken.decision):
            self._shortcut.remember(key, BY_AREA)
            key = key, case.area
        cause = Cause(str(taken.cause.id), str(case.case_id), msgspec.json.encode(case), b"", b"")
        self._shortcut.remember(
            key, Rendered(Tally.of(taken.decision), templates_of(taken.orders, taken.messages, cause))
        )

    def _recall(self, key: Hashable | None, area: str) -> Rendered | None:
        # What has no signature has None; nothing is ever remembered under that.
        rendered = self._shortcut.recall(key)
        return self._shortcut.recall((key, area)) if rendered is BY_AREA else rendered

    def _filled(self, rendered: Rendered, opened: Opened, headers: Mapping[str, bytes]) -> Found | None:
        case_id: str = opened.case.case_id
        if headers["ce_subject"] != case_id.encode() or _UUID.fullmatch(headers["ce_subject"]) is None:
            return None
        cause = Cause(headers["ce_id"].decode(), case_id, opened.raw, headers["ce_sequence"], headers["traceparent"])
        return Found(rendered, cause, self._stamp)


def _in_form(headers: Mapping[str, bytes]) -> bool:
    """Say whether the headers are such as the codec writes; only then may they be passed on as they are."""
    return (
        headers.keys() >= NEEDED
        and headers["ce_specversion"] == b"1.0"
        and _UUID.fullmatch(headers["ce_id"]) is not None
        and _SEQUENCE.fullmatch(headers["ce_sequence"]) is not None
        and _TRACEPARENT.fullmatch(headers["traceparent"]) is not None
        and b"".join(headers.values()).isascii()
    )


def _facts(opened: Opened, at: datetime) -> Facts:
    said = f"{opened.case.title}\n{opened.text}"
    # The narrow case has every field of a case by the same name and kind: a contract test holds it to that.
    return Facts(case=cast("CaseView", opened.case), text=said.casefold(), refusing=NOBODY, at=at, said=said)
