"""How a case's reports were understood, which they are, and what was asked for in it, as values of the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.notifier.domain.fold import CaseRead
from services.notifier.domain.reports import HandedOver, JoinedRead
from services.notifier.domain.requests import AppealRead, ExtensionRead, SupervisionRead
from services.notifier.domain.words import REFUSALS
from services.notifier.ports import County
from shared.events.parts import Alike, Held, Photo, Reply
from shared.vocabulary import RefusalCode
from shared.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class GuessView:
    """A category that was guessed; ``confidence`` is 0 to 1."""

    category: str
    name: Words
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderstoodView:
    """How the first report was understood: the guess, the ``words`` that decided, the second guess, cases alike."""

    guess: GuessView | None
    words: Sequence[str]
    second: GuessView | None
    alike: Sequence[Alike]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsView:
    """The reports that the case stands for, their photos, and what became of them beside work.

    ``paused_for`` names the reason for which it stands still.
    """

    joined: Sequence[JoinedRead]
    photos: Sequence[Photo]
    handed_over: Sequence[HandedOver]
    reply: Reply | None
    refused_as: RefusalCode | None
    refused_for: Words | None
    refused_words: str
    held: Held | None
    paused_for: Words | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsView:
    """What somebody asked for and somebody else answers: more time, a reply from whom is supervised, an appeal."""

    extensions: Sequence[ExtensionRead]
    supervisions: Sequence[SupervisionRead]
    appeals: Sequence[AppealRead]


def understood_view(read: CaseRead, county: County) -> UnderstoodView:
    """How the case's first report was understood."""
    guess = read.reports.guess
    if guess is None:
        return UnderstoodView(guess=None, words=(), second=None, alike=read.reports.alike)
    area = read.view.area
    second = None
    if guess.second is not None:
        second = GuessView(
            category=guess.second, name=county.category(area, guess.second), confidence=guess.second_confidence
        )
    return UnderstoodView(
        guess=GuessView(
            category=guess.category, name=county.category(area, guess.category), confidence=guess.confidence
        ),
        words=guess.words,
        second=second,
        alike=read.reports.alike,
    )


def reports_view(read: CaseRead, county: County, *, department: str | None) -> ReportsView:
    """The reports as ``department`` may see them; who reported the same is the desks' to know."""
    reports, held = read.reports, read.view.held
    return ReportsView(
        joined=reports.joined if department is None else (),
        photos=reports.photos,
        handed_over=reports.handed_over,
        reply=reports.reply,
        refused_as=reports.refused_as,
        refused_for=None if reports.refused_as is None else REFUSALS[reports.refused_as],
        refused_words=reports.refused_words,
        held=held,
        paused_for=None if held is None or held.hung else county.pause(read.view.area, held.code),
    )


def requests_view(read: CaseRead, *, department: str | None) -> RequestsView:
    """What was asked for, the first first; ``department`` sees what is about its own orders."""
    mine = {order.order_id for order in read.orders.values() if department in (None, order.department)}
    requests = read.requests
    return RequestsView(
        extensions=sorted(
            (one for one in requests.extensions.values() if department is None or one.order_id in mine),
            key=lambda one: one.asked_at,
        ),
        supervisions=sorted(
            (
                one
                for one in requests.supervisions.values()
                if department is None or (one.target.kind == "department" and one.target.id == department)
            ),
            key=lambda one: one.at,
        ),
        appeals=sorted(
            (one for one in requests.appeals.values() if department is None or one.order_id in mine),
            key=lambda one: one.at,
        ),
    )
