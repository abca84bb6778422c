"""The whole system on one machine: starts every part in order, keeps it running, stops it in reverse."""

import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from deploy.local.ground import FOLDER_MODE, Ground, prepare_ground
from deploy.local.kafka import KafkaPlace, jars_in, kafka_program, prepare_kafka
from deploy.local.keys import Bearer, KeyBook, secret_key, write_private
from deploy.local.models import Lesson, Teaching
from deploy.local.places import default_cache, default_data
from deploy.local.playbooks import any_in_force, load_playbook, put_into_force
from deploy.local.ports import LOOPBACK, choose_ports
from deploy.local.postgres import create_database, place_postgres, postgres_program, prepare_postgres
from deploy.local.processes import Keeper, PartFailed
from deploy.local.progress import Progress, Tone
from deploy.local.services import (
    HTTP_PORTS,
    OPS_PORTS,
    ROOT,
    SERVICES,
    Surroundings,
    inherited,
    service_environment,
    service_of,
    service_program,
)
from deploy.local.topics import make_topics
from shared.playbook.model import Playbook

MIGRATE_SECONDS = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What one local system is like; ``services`` may name instances (``router-1``) to have several of one."""

    data: Path = field(default_factory=default_data)
    cache: Path = field(default_factory=default_cache)
    services: tuple[str, ...] = SERVICES
    bearers: tuple[Bearer, ...] = ()
    playbooks: tuple[Playbook, ...] = ()
    """Put into force before the services start; empty keeps what this data has, or the demo county's when new."""
    environment: Mapping[str, str] = field(default_factory=dict)
    ground: Ground | None = None
    """Where topics, tables and photos lie, if not in ``data`` itself."""
    known_ports: bool = True
    traces: bool = False
    taught: bool = False
    """Intake has the demo county's model; without, words alone say what a report is about."""


class Platform:
    """Kafka, PostgreSQL, topics, databases and the services, as one thing to start and stop.

    Blocking calls for any thread; from a coroutine use ``asyncio.to_thread``. A part that dies is said and
    started again on the same port and data until it is stopped.
    """

    def __init__(self, options: Options, progress: Progress) -> None:
        self.options = options
        self.of_before = False
        """Whether the ground holds what an earlier play left, known once it has started."""
        self.keys = KeyBook(options.data)
        self._progress = progress
        self._keepers: dict[str, Keeper] = {}
        self._environments: dict[str, dict[str, str]] = {}
        self._ports: dict[str, int] = {}
        self._dsn = ""
        self._teaching: Teaching | None = None
        self._lock: TextIO | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def data(self) -> Path:
        """The folder of everything that this system keeps."""
        return self.options.data

    @property
    def ground(self) -> Path:
        """The folder of topics, tables and photos."""
        return self.data if self.options.ground is None else self.options.ground.folder

    @property
    def logs(self) -> Path:
        """The folder with one log file a part."""
        return self.data / "logs"

    @property
    def models(self) -> Path:
        """The folder that intake reads models from, if the system is taught."""
        return self.data / "models"

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return f"{LOOPBACK}:{self._ports['kafka']}"

    @property
    def dsn(self) -> str:
        """PostgreSQL's address, database and password included."""
        return self._dsn

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the parts that run as processes, in the order of their start."""
        return tuple(self._keepers)

    def url(self, part: str) -> str:
        """Return the address of the public API of ``part`` (an instance of intake or notifier)."""
        return f"http://{LOOPBACK}:{self._ports[f'{part}.http']}"

    def ops_url(self, part: str) -> str:
        """Return the address of the ops port of the service instance ``part``."""
        return f"http://{LOOPBACK}:{self._ports[f'{part}.ops']}"

    def environment(self, part: str) -> dict[str, str]:
        """Return the environment that the service instance ``part`` runs with."""
        return dict(self._environments[part])

    def start(self) -> None:
        """Start everything and return when all parts are ready.

        Raises:
            PartFailed: when a part does not come up; everything started before is stopped again.
        """
        try:
            self._open_data()
            self._begin_teaching()
            self._start_servers()
            make_topics(self.bootstrap)
            create_database(self._dsn)
            self._migrate()
            self._put_playbooks_into_force()
            self._finish_teaching()
            self._start_services()
            self._announce()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop everything, services first, and return when no process is left; harmless when nothing runs."""
        if self._lock is None:
            return
        with suppress(FileNotFoundError):
            (self.data / "run.json").unlink()
        self._progress.say("platform", "stopping …")
        if self._teaching is not None:
            self._teaching.stop()
        servers = [name for name in ("postgres", "kafka") if name in self._keepers]
        services = [name for name in reversed(self._keepers) if name not in servers]
        for group in (services, servers):
            for name in group:
                self._keepers[name].ask_to_stop()
            for name in group:
                self._keepers.pop(name).stop()
        self._progress.say("platform", "stopped; no process is left", tone=Tone.GOOD)
        self._lock.close()
        self._lock = None

    def kill(self, part: str, signum: signal.Signals = signal.SIGKILL) -> None:
        """Send ``signum`` to ``part``; after a SIGKILL it is dead when this returns, and starts again by itself."""
        self._keeper(part).kill(signum)

    def await_ready(self, part: str, seconds: float | None = None) -> None:
        """Return when ``part`` is ready (again).

        Raises:
            PartFailed: when it is not ready after ``seconds``, by default the part's own limit.
        """
        self._keeper(part).await_ready(seconds)

    def stop_part(self, part: str) -> None:
        """Stop ``part`` gracefully; it stays away until :meth:`start_part`."""
        self._keeper(part).stop()

    def start_part(self, part: str) -> None:
        """Start ``part`` again on its port and data and return when it is ready."""
        self._keeper(part).start()

    def restart(self, part: str) -> None:
        """Stop ``part`` gracefully, start it again and return when it is ready."""
        self.stop_part(part)
        self.start_part(part)

    def stop_kafka(self) -> None:
        """Take Kafka away until :meth:`start_kafka`."""
        self.stop_part("kafka")

    def start_kafka(self) -> None:
        """Bring Kafka back on the same port and data."""
        self.start_part("kafka")

    def stop_postgres(self) -> None:
        """Take PostgreSQL away until :meth:`start_postgres`."""
        self.stop_part("postgres")

    def start_postgres(self) -> None:
        """Bring PostgreSQL back on the same port and data."""
        self.start_part("postgres")

    def starts(self, part: str) -> int:
        """Return how often ``part`` was started so far, restarts included."""
        return self._keeper(part).starts

    def pids(self) -> dict[str, int]:
        """Return the process id of each part that runs now."""
        return {name: pid for name, keeper in self._keepers.items() if (pid := keeper.pid) is not None}

    def tail(self, part: str, count: int = 20) -> list[str]:
        """Return the last lines that ``part`` has logged since its latest start."""
        return self._keeper(part).tail(count)

    def hand_out(self, bearers: Iterable[Bearer]) -> dict[str, str]:
        """Return a token for each bearer by id; new keys are in force within two seconds."""
        return self.keys.hand_out(bearers)

    def _keeper(self, part: str) -> Keeper:
        try:
            return self._keepers[part]
        except KeyError:
            raise PartFailed(part, f"no such part; the parts are {', '.join(self._keepers)}") from None

    def _open_data(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        self.data.chmod(FOLDER_MODE)
        self.logs.mkdir(exist_ok=True)
        self.logs.chmod(0o700)
        lock = (self.data / "lock").open("a+", encoding="utf-8")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            lock.close()
            why = f"{self.data} is in use by process {holder}; stop it, or choose another folder with --data"
            raise PartFailed("platform", why) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        self._lock = lock
        if self.options.ground is not None:
            self.of_before = prepare_ground(self.options.ground, lambda text: self._progress.say("platform", text))
        self._ports = choose_ports(self._wanted_ports(), self.data / "ports.json")

    def _wanted_ports(self) -> dict[str, int | None]:
        wanted: dict[str, int | None] = {"kafka": None, "controller": None, "postgres": None}
        for part in self.options.services:
            service = service_of(part)
            if service in HTTP_PORTS:
                wanted[f"{part}.http"] = HTTP_PORTS[service] if self.options.known_ports else None
            wanted[f"{part}.ops"] = OPS_PORTS[service] if self.options.known_ports else None
        return wanted

    def _begin_teaching(self) -> None:
        """Beside the start of the servers, which wait more than they work."""
        if self.options.taught:
            log = self.logs / "model.log"
            self._teaching = Teaching(Lesson(cache=self.options.cache, folder=self.models, log=log))
            self._teaching.begin()

    def _finish_teaching(self) -> None:
        if self._teaching is not None:
            self._progress.say("model", self._teaching.finish(), tone=Tone.GOOD)

    def _start_servers(self) -> None:
        """Start Kafka and PostgreSQL side by side: Kafka needs seconds, PostgreSQL fits into them."""
        self._progress.say("platform", f"data in {self.ground}, one log file a part in {self.logs}")
        kafka = KafkaPlace(
            data=self.ground / "kafka",
            jars=jars_in(self.options.cache, say=lambda text: self._progress.say("kafka", text)),
            log=self.logs / "kafka.log",
            port=self._ports["kafka"],
            controller_port=self._ports["controller"],
        )
        postgres = place_postgres(
            self.ground / "postgres",
            cache=self.options.cache,
            log=self.logs / "postgres.log",
            port=self._ports["postgres"],
        )
        self._dsn = postgres.dsn
        with ThreadPoolExecutor(max_workers=2) as both:
            for prepared in (both.submit(prepare_kafka, kafka), both.submit(prepare_postgres, postgres)):
                prepared.result()
        self._start_together(
            {
                "kafka": Keeper(kafka_program(kafka), self._progress),
                "postgres": Keeper(postgres_program(postgres), self._progress),
            },
            {"kafka": f"ready on {kafka.bootstrap}", "postgres": f"ready on {LOOPBACK}:{postgres.port}"},
        )

    def _start_together(self, keepers: Mapping[str, Keeper], ready: Mapping[str, str]) -> None:
        """Begin all, then wait for each in order; all are known before the first wait, so that a stop finds them."""
        self._keepers.update(keepers)
        self._progress.say("platform", f"starting {', '.join(keepers)} …")
        started = {name: keeper.begin() for name, keeper in keepers.items()}
        for name, first in started.items():
            first.result()
            self._progress.say(name, ready[name], tone=Tone.GOOD)

    def _migrate(self) -> None:
        command = [sys.executable, "-m", "shared.runtime.migrate", "--phase", "all"]
        done = subprocess.run(
            command,
            env={**inherited(), "WHISTLE_POSTGRES": self._dsn},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=MIGRATE_SECONDS,
            check=False,
        )
        (self.logs / "migrate.log").write_text(done.stdout + done.stderr, encoding="utf-8")
        if done.returncode != 0:
            raise PartFailed("migrations", "failed", (done.stdout + done.stderr).splitlines()[-20:])
        self._progress.say("migrations", "topics and tables are up to date", tone=Tone.GOOD)

    def _put_playbooks_into_force(self) -> None:
        """Before the services: they are not ready without a playbook."""
        if not self.options.services:
            return
        playbooks = self.options.playbooks
        if not playbooks and not any_in_force(self.bootstrap):
            playbooks = (load_playbook(),)
        for playbook in playbooks:
            put_into_force(self.bootstrap, playbook)
            self._progress.say("playbook", f"{playbook.name.zh} {playbook.version} is in force", tone=Tone.GOOD)

    def _start_services(self) -> None:
        self.keys.hand_out(self.options.bearers)
        around = Surroundings(
            kafka=self.bootstrap,
            postgres=self._dsn,
            keys_file=self.keys.hashes,
            secret_key=secret_key(self.data),
            logs=self.logs,
            photos=self.ground / "photos",
            traces=self._traces(),
            models=self.models if self.options.taught else None,
            extra=self.options.environment,
        )
        self._environments = {part: service_environment(part, around, self._ports) for part in self.options.services}
        keepers = {
            part: Keeper(service_program(part, environment, self.logs), self._progress)
            for part, environment in self._environments.items()
        }
        ready = {part: f"ready{f' on {self.url(part)}' if f'{part}.http' in self._ports else ''}" for part in keepers}
        self._start_together(keepers, ready)

    def _traces(self) -> Path | None:
        if not self.options.traces:
            return None
        folder = self.data / "traces"
        folder.mkdir(exist_ok=True)
        return folder

    def _announce(self) -> None:
        """Leave ``run.json`` for the command line: where everything is while this platform runs."""
        run = {
            "pid": os.getpid(),
            "kafka": self.bootstrap,
            "postgres": self._dsn,
            "http": {part: self.url(part) for part in self._environments if service_of(part) in HTTP_PORTS},
            "ops": {part: self.ops_url(part) for part in self._environments},
            "keys": str(self.keys.tokens),
            "keys_file": str(self.keys.hashes),
            "logs": str(self.logs),
        }
        write_private(self.data / "run.json", json.dumps(run, indent=2))
