"""See ``vault.DataKeyBook``; wrapped keys in a dict."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from services.intake.vault import DataKey


class FakeDataKeys:
    """Keeps what PostgreSQL would."""

    def __init__(self) -> None:
        self.keys: dict[UUID, DataKey] = {}

    async def make(self, keys: Sequence[DataKey], *, unless_after: datetime) -> None:
        for key in keys:
            like = [one for one in self.keys.values() if (one.county, one.use) == (key.county, key.use)]
            if not any(one.use == "person" or one.made_at > unless_after for one in like):
                self.keys[key.key_id] = key

    async def newest(self, counties: Collection[str]) -> Sequence[DataKey]:
        newest = {one.county: one for one in sorted(self.keys.values(), key=lambda key: key.made_at)}
        return [one for county, one in newest.items() if county in counties or one.use == "person"]

    async def key(self, key_id: UUID) -> DataKey | None:
        return self.keys.get(key_id)

    async def wrapped_otherwise(self, than: str, *, most: int) -> Sequence[DataKey]:
        return [one for one in self.keys.values() if one.wrapped_by != than][:most]

    async def rewrap(self, before: DataKey, wrapped: bytes, wrapped_by: str) -> None:
        if self.keys[before.key_id] == before:
            self.keys[before.key_id] = replace(before, wrapped=wrapped, wrapped_by=wrapped_by)
