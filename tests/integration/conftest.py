"""A broker that a test may kill: its own, so that no other test sees it go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from deploy.local.places import default_cache
from deploy.local.processes import Keeper
from deploy.local.progress import Quiet
from deploy.local.servers import running_kafka
from tests.platform import data_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """A real broker and the hand on its switch."""

    bootstrap: str
    keeper: Keeper


@pytest.fixture(scope="session")
def own_broker() -> Iterator[Broker]:
    with (
        data_folder("own-kafka") as data,
        running_kafka(data, cache=default_cache(), progress=Quiet()) as (keeper, place),
    ):
        yield Broker(bootstrap=place.bootstrap, keeper=keeper)
