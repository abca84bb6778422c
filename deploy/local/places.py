"""Where the local platform keeps its things: a cache that any start can use again, and one data folder per system."""

import os
import sys
from pathlib import Path


def default_cache() -> Path:
    """Return the folder for Kafka's jars: ``WHISTLE_CACHE``, else the account's cache folder."""
    return _place("WHISTLE_CACHE", for_root="/var/cache/whistle", variable="XDG_CACHE_HOME", below_home=".cache")


def default_data() -> Path:
    """Return the folder for topics, databases, keys and logs: ``WHISTLE_DATA``, else the account's data folder."""
    return _place("WHISTLE_DATA", for_root="/var/lib/whistle", variable="XDG_DATA_HOME", below_home=".local/share")


def _place(override: str, *, for_root: str, variable: str, below_home: str) -> Path:
    if chosen := os.environ.get(override):
        return Path(chosen).expanduser().resolve()
    # Root's home is closed to the account that PostgreSQL runs as, so root has folders outside it.
    if os.geteuid() == 0 and sys.platform.startswith("linux"):
        return Path(for_root)
    base = os.environ.get(variable)
    return (Path(base) if base else Path.home() / below_home) / "whistle"
