"""The real Kafka, the real PostgreSQL and the whole system as fixtures; ``tests/conftest.py`` makes them known.

``WHISTLE_TEST_KAFKA`` and ``WHISTLE_TEST_POSTGRES`` name running ones to use instead, for quick work:
``python -m deploy.local kafka`` and ``python -m deploy.local postgres`` start them and print the lines to set.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.keys import DEMO_COUNTY, county_bearers
from deploy.local.places import default_cache
from deploy.local.platform import Options, Platform
from deploy.local.postgres import create_database, drop_database, with_database
from deploy.local.progress import Quiet
from deploy.local.servers import running_kafka, running_postgres
from deploy.local.topics import make_topics


@contextmanager
def data_folder(what: str) -> Iterator[Path]:
    """A folder that the account of PostgreSQL can pass too; pytest's own are closed to everybody but the caller."""
    folder = Path(tempfile.mkdtemp(prefix=f"whistle-{what}-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka() -> Iterator[str]:
    """The bootstrap address of a real broker with the topics of the catalogue."""
    if running := os.environ.get("WHISTLE_TEST_KAFKA"):
        make_topics(running)
        yield running
        return
    with (
        data_folder("kafka") as data,
        running_kafka(data, cache=default_cache(), progress=Quiet()) as (_, place),
    ):
        yield place.bootstrap


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a database on a real server; take the fixture ``postgres`` for one of your own."""
    if running := os.environ.get("WHISTLE_TEST_POSTGRES"):
        yield running
        return
    with (
        data_folder("postgres") as data,
        running_postgres(data, cache=default_cache(), progress=Quiet()) as (_, place),
    ):
        yield place.dsn


@pytest.fixture(scope="module")
def postgres(postgres_server: str) -> Iterator[str]:
    """The address of a fresh, empty database that lives as long as the test module."""
    dsn = with_database(postgres_server, f"test_{uuid.uuid4().hex[:12]}")
    create_database(dsn)
    yield dsn
    drop_database(dsn)


@pytest.fixture(scope="session")
def system() -> Iterator[Platform]:
    """The whole system on its own Kafka and PostgreSQL, with keys and the playbook of the demo county.

    Traces lie in ``traces/`` of its data folder, one file of spans a service.
    """
    with data_folder("system") as data:
        options = Options(data=data, bearers=county_bearers(DEMO_COUNTY), known_ports=False, traces=True, taught=True)
        with Platform(options, Quiet()) as platform:
            yield platform
