"""Compiled playbooks, made from the shelf before they come into force and kept while they are in use."""

import asyncio
import logging
import time
from collections import OrderedDict
from datetime import timedelta

from services.router.domain.rulebook import Rulebook
from shared.events.parts import CaseView, PlaybookRef
from shared.playbook.garbage import held_off
from shared.playbook.model import Playbook
from shared.playbook.shelf import IN_USE, PlaybookShelf, Standing, UnknownCounty
from shared.vocabulary import Malformed, Refused

log = logging.getLogger(__name__)


class ShelvedRulebooks:
    """See `ports.Switch`: hands out the rulebooks in force at one moment.

    A playbook is compiled in a thread, and that of a county in use before it comes into force: the loop
    routes on meanwhile, and the first case of the new version waits for nothing.
    """

    def __init__(self, shelf: PlaybookShelf, *, patience: timedelta, kept: int = IN_USE) -> None:
        """Wait `patience` at most for a county without a playbook; keep at most `kept` compiled.

        A rulebook holds its playbook: to keep more than the shelf does would undo the shelf's bound.
        """
        self._shelf = shelf
        self._patience = patience.total_seconds()
        self._kept = kept
        self._compiled: OrderedDict[str, Rulebook] = OrderedDict()
        self._given_up: dict[str, float] = {}
        shelf.prepare = self._prepare

    def in_force(self) -> "RulebooksInForce":
        """See `ports.Switch.in_force`."""
        return RulebooksInForce(self, self._shelf.standing())

    async def of(self, case: CaseView) -> Rulebook:
        """See `ports.Rulebooks.of`, as of now."""
        return await self.in_force().of(case)

    async def compiled(self, playbook: Playbook) -> Rulebook:
        """Return the rulebook of `playbook`, compiled once and in a thread."""
        book = self._compiled.get(playbook.digest)
        if book is None:
            with held_off():
                book = self._compiled[playbook.digest] = await asyncio.to_thread(Rulebook, playbook)
            while len(self._compiled) > self._kept:
                self._compiled.popitem(last=False)
        else:
            self._compiled.move_to_end(playbook.digest)
        return book

    async def awaited(self, county: str) -> Playbook:
        """Return the playbook of a county that had none, waiting for it.

        Raises:
            Refused: none came in time; the reason says what to do.
        """
        try:
            playbook = await self._shelf.wait_for(county, timeout_seconds=self._patience_for(county))
        except UnknownCounty as unknown:
            self._given_up[county] = time.monotonic()
            raise Refused(
                f"{unknown.reason}: publish it, then send this dead letter again",
                field="county",
                allowed=unknown.allowed,
            ) from unknown
        self._given_up.pop(county, None)
        return playbook

    async def _prepare(self, playbook: Playbook) -> None:
        """Compile what is about to come into force; what cannot be compiled is refused like any bad playbook."""
        try:
            await self.compiled(playbook)
        except Exception as error:
            log.exception("the playbook of %s cannot be compiled", playbook.county)
            raise Malformed(f"it cannot be compiled: {type(error).__name__}: {error}") from error

    def _patience_for(self, county: str) -> float:
        """Wait once and not again for each case of the same county, or a batch of them would stall the topic."""
        given_up = self._given_up.get(county)
        waited_lately = given_up is not None and time.monotonic() - given_up < self._patience
        return 0.0 if waited_lately else self._patience


class RulebooksInForce:
    """See `ports.Rulebooks`: every answer is as of the moment at which this was handed out."""

    def __init__(self, rulebooks: ShelvedRulebooks, standing: Standing) -> None:
        """Answer by what is `standing`."""
        self._rulebooks = rulebooks
        self._standing = standing
        self._answers: dict[tuple[str, PlaybookRef], Rulebook] = {}

    async def of(self, case: CaseView) -> Rulebook:
        """See `ports.Rulebooks.of`."""
        asked = case.county, case.playbook
        book = self._answers.get(asked)
        if book is None:
            book = self._answers[asked] = await self._find(case.county, case.playbook)
        return book

    async def _find(self, county: str, ref: PlaybookRef) -> Rulebook:
        # A case is routed by the version that intake opened it under, so that a repeat decides alike.
        playbook = await self._standing.opened(county, ref.version, ref.digest) or await self._standing.opened(county)
        if playbook is None:
            playbook = await self._rulebooks.awaited(county)
            # It came since: for the rest of this batch it is the one in force.
            self._standing = self._standing.with_county(county)
        return await self._rulebooks.compiled(playbook)
