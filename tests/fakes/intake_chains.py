"""Chains of warnings in a dict."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.intake.domain.sources.chains import Chain


class FakeChains:
    """See ``ports.ChainBook``; a copy of it is a transaction still open."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], tuple[datetime, Chain]] = {}

    async def find(self, county: str, front: str, references: Sequence[str]) -> Chain | None:
        found = [self.kept[county, front, name] for name in references if (county, front, name) in self.kept]
        return max(found, key=lambda one: (one[0], one[1].round))[1] if found else None

    async def keep(self, chain: Chain, *, at: datetime) -> None:
        for name, (when, other) in list(self.kept.items()):
            if other.case_id == chain.case_id and other.front == chain.front:
                self.kept[name] = (when, replace(other, firing=chain.firing, notes=chain.notes))
        self.kept[chain.county, chain.front, chain.reference] = (at, chain)

    def opened(self) -> "FakeChains":
        other = FakeChains()
        other.kept = dict(self.kept)
        return other
