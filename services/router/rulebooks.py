"""Compiled playbooks, made from the shelf and kept while they are in use."""

import time
from collections import OrderedDict
from datetime import timedelta

from services.router.domain.rulebook import Rulebook
from shared.events.parts import CaseView
from shared.playbook.model import Playbook
from shared.playbook.shelf import IN_USE, PlaybookShelf, UnknownCounty
from shared.vocabulary import Refused


class ShelvedRulebooks:
    """See `ports.Rulebooks`."""

    def __init__(self, shelf: PlaybookShelf, *, patience: timedelta, kept: int = IN_USE) -> None:
        """Wait `patience` at most for a county without a playbook; keep at most `kept` compiled.

        A rulebook holds its playbook: to keep more than the shelf does would undo the shelf's bound.
        """
        self._shelf = shelf
        self._patience = patience.total_seconds()
        self._kept = kept
        self._compiled: OrderedDict[str, Rulebook] = OrderedDict()
        self._given_up: dict[str, float] = {}

    async def of(self, case: CaseView) -> Rulebook:
        """See `ports.Rulebooks.of`."""
        # A case is routed by the version that intake opened it under, so that a repeat decides alike.
        own = self._shelf.known(case.county, case.playbook.version, case.playbook.digest)
        return self._rulebook(own if own is not None else await self._in_force(case.county))

    async def _in_force(self, county: str) -> Playbook:
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

    def _patience_for(self, county: str) -> float:
        """Wait once and not again for each case of the same county, or a batch of them would stall the topic."""
        given_up = self._given_up.get(county)
        waited_lately = given_up is not None and time.monotonic() - given_up < self._patience
        return 0.0 if waited_lately else self._patience

    def _rulebook(self, playbook: Playbook) -> Rulebook:
        book = self._compiled.get(playbook.digest)
        if book is None:
            book = self._compiled[playbook.digest] = Rulebook(playbook)
            if len(self._compiled) > self._kept:
                self._compiled.popitem(last=False)
        else:
            self._compiled.move_to_end(playbook.digest)
        return book
