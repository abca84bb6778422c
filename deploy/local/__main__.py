"""``python -m deploy.local up|kafka|postgres``: the whole system, or one server alone, until Ctrl-C."""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from deploy.local.interrupts import interruptible, wait_for_interrupt
from deploy.local.keys import DEMO_COUNTY, county_bearers
from deploy.local.places import default_cache, default_data
from deploy.local.platform import Options, Platform
from deploy.local.processes import PartFailed
from deploy.local.progress import progress_on
from deploy.local.servers import running_kafka, running_postgres


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked until it is stopped and return the exit status: 0 after a stop, 1 when a part failed."""
    options = _parser().parse_args(arguments)
    try:
        with interruptible():
            if options.what == "up":
                _up(options.data or default_data(), options.cache)
            else:
                _serve(options.what, options.data, options.cache)
    except KeyboardInterrupt:
        return 0
    except PartFailed as failure:
        sys.stderr.write(f"\n{failure}\n")
        return 1
    return 0


def _up(data: Path, cache: Path) -> None:
    options = Options(data=data, cache=cache, bearers=county_bearers(DEMO_COUNTY), taught=True)
    with Platform(options, progress_on()) as platform:
        sys.stdout.write(
            f"\nintake    {platform.url('intake')}\nnotifier  {platform.url('notifier')}\n"
            f"kafka     {platform.bootstrap}\nkeys      {platform.keys.tokens}\nCtrl-C stops everything.\n"
        )
        sys.stdout.flush()
        wait_for_interrupt()


def _serve(what: str, data: Path | None, cache: Path) -> None:
    progress = progress_on()
    with _data_folder(what, data) as folder:
        if what == "kafka":
            with running_kafka(folder, cache=cache, progress=progress) as (_, kafka):
                _say(f"export WHISTLE_TEST_KAFKA={kafka.bootstrap}")
                wait_for_interrupt()
        with running_postgres(folder, cache=cache, progress=progress) as (_, postgres):
            _say(f"export WHISTLE_TEST_POSTGRES={postgres.dsn}")
            wait_for_interrupt()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def _data_folder(what: str, data: Path | None) -> Iterator[Path]:
    """Yield the folder asked for, or one that is removed at the end."""
    if data is not None:
        yield data
        return
    folder = Path(tempfile.mkdtemp(prefix=f"whistle-{what}-"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m deploy.local", description=__doc__)
    parser.add_argument("what", choices=("up", "kafka", "postgres"))
    parser.add_argument(
        "--data", type=Path, help=f"keep everything here; up: {default_data()}, else a folder removed at the end"
    )
    parser.add_argument("--cache", type=Path, default=default_cache(), help="Kafka's jars (default: %(default)s)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
