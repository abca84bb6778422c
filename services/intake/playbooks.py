"""The playbooks in force, as the shelf holds them."""

from __future__ import annotations

from collections.abc import Sequence

from services.intake.ports import NoPlaybook, PlaybookAway
from shared.events.parts import Place
from shared.playbook.model import Playbook
from shared.playbook.shelf import PlaybookShelf, UnknownCounty


class ShelvedPlaybooks:
    """See ``ports.Playbooks``."""

    def __init__(self, shelf: PlaybookShelf) -> None:
        self._shelf = shelf

    def of(self, area: str) -> Playbook:
        """See ``ports.Playbooks.of``."""
        try:
            return self._shelf.of(area)
        except UnknownCounty as unknown:
            if not unknown.allowed:
                raise PlaybookAway("no playbook has come from Kafka yet") from unknown
            raise NoPlaybook(unknown.reason, field="area", allowed=[f"{one}…" for one in unknown.allowed]) from unknown

    def counties(self) -> Sequence[str]:
        """See ``ports.Playbooks.counties``."""
        return self._shelf.counties

    def around(self, place: Place) -> Sequence[str]:
        """See ``ports.Playbooks.around``."""
        return self._shelf.around(place.lon, place.lat)
