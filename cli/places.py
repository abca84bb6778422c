"""Where the system is and which key to use: options first, then the environment, then the local platform that runs."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cli.trouble import MISUSED, Trouble
from shared.vocabulary import Role

Url = Annotated[
    str | None,
    typer.Option("--url", help="Address of the system, when one gateway serves intake and notifier.", metavar="URL"),
]
Key = Annotated[
    str | None, typer.Option("--key", help="API key; better in WHISTLE_KEY, where no process list shows it.")
]
Data = Annotated[
    Path | None, typer.Option("--data", help="Data folder of a local platform (default: where `whistle demo` has it).")
]
Kafka = Annotated[
    str | None, typer.Option("--kafka", help="Kafka's bootstrap servers (default: WHISTLE_KAFKA).", metavar="HOST:PORT")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, one value a line, for programs.")]

START_ONE: Final = (
    "start a local system with `whistle demo`, or say where one is: "
    "--url, or WHISTLE_INTAKE_URL and WHISTLE_NOTIFIER_URL"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """A key of the local platform with what it is for."""

    id: str
    role: Role
    area: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """All that is known of the system; ``run`` is the local platform's, empty when none runs."""

    intake: str | None = None
    notifier: str | None = None
    kafka: str | None = None
    postgres: str | None = None
    key: str | None = None
    bearers: Sequence[Bearer] = ()
    ops: Mapping[str, str] = field(default_factory=dict)
    keys_file: Path | None = None
    why_not_local: str = ""

    def intake_url(self) -> str:
        """Intake's address.

        Raises:
            Trouble: when nobody said where it is.
        """
        return self._known(self.intake, "intake")

    def notifier_url(self) -> str:
        """The notifier's address.

        Raises:
            Trouble: when nobody said where it is.
        """
        return self._known(self.notifier, "the notifier")

    def bootstrap(self) -> str:
        """Kafka's address.

        Raises:
            Trouble: when nobody said where it is.
        """
        if self.kafka:
            return self.kafka
        raise Trouble(
            "It is not known where Kafka is",
            why=f"neither --kafka nor WHISTLE_KAFKA is set, and {self.why_not_local}",
            mend="give --kafka HOST:PORT, or start a local system with `whistle demo`",
            status=MISUSED,
        )

    def database(self) -> str:
        """PostgreSQL's address, with what opens it.

        Raises:
            Trouble: when nobody said where it is.
        """
        if self.postgres:
            return self.postgres
        raise Trouble(
            "It is not known where PostgreSQL is",
            why=f"WHISTLE_POSTGRES is not set, and {self.why_not_local}",
            mend="set WHISTLE_POSTGRES to the service's own address, or start a local system with `whistle demo`",
            status=MISUSED,
        )

    def key_for(self, *roles: Role) -> str:
        """A key to use: the given one, else the local platform's widest with the first of ``roles`` that has one.

        Raises:
            Trouble: when there is none.
        """
        if self.key:
            return self.key
        for role in roles:
            held = sorted((bearer for bearer in self.bearers if bearer.role is role), key=lambda one: len(one.area))
            if held:
                return held[0].token
        raise Trouble(
            "There is no key to use",
            why=f"neither --key nor WHISTLE_KEY is set, and {self.why_not_local or 'the platform here has none'}",
            mend="set WHISTLE_KEY to a key made by `whistle keys new`",
            status=MISUSED,
        )

    def _known(self, url: str | None, which: str) -> str:
        if url:
            return url
        raise Trouble(
            f"It is not known where {which} is",
            why=f"no address was given, and {self.why_not_local}",
            mend=START_ONE,
            status=MISUSED,
        )


def find(
    *,
    url: str | None = None,
    key: str | None = None,
    kafka: str | None = None,
    data: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> Places:
    """Put together what options, environment and a running local platform say, in this order.

    Raises:
        Trouble: when an address is no http(s) address.
    """
    known = os.environ if environment is None else environment
    run, why_not = local_run(data or _default_data(known))
    url = url or known.get("WHISTLE_URL")
    http: Mapping[str, str] = run.get("http", {})
    keys = run.get("keys")
    return Places(
        intake=_checked(url or known.get("WHISTLE_INTAKE_URL") or http.get("intake")),
        notifier=_checked(url or known.get("WHISTLE_NOTIFIER_URL") or http.get("notifier")),
        kafka=kafka or known.get("WHISTLE_KAFKA") or run.get("kafka"),
        postgres=known.get("WHISTLE_POSTGRES") or run.get("postgres"),
        key=key or known.get("WHISTLE_KEY"),
        bearers=tuple(_bearers(Path(keys))) if keys else (),
        ops=run.get("ops", {}),
        keys_file=_path(known.get("WHISTLE_KEYS_FILE") or run.get("keys_file")),
        why_not_local=why_not,
    )


def local_run(data: Path) -> tuple[Mapping[str, Any], str]:
    """What the platform with the data folder ``data`` left in run.json, or nothing and why not."""
    file = data / "run.json"
    try:
        run: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}, f"no local platform runs on {data}"
    except PermissionError:
        return {}, f"the local platform on {data} belongs to another account"
    except (OSError, ValueError) as error:
        return {}, f"{file} cannot be read ({error})"
    if not _alive(run.get("pid")):
        return {}, f"the local platform on {data} has ended without a goodbye"
    return run, ""


def _alive(pid: object) -> bool:
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _default_data(environment: Mapping[str, str]) -> Path:
    from deploy.local.places import default_data

    chosen = environment.get("WHISTLE_DATA")
    return Path(chosen).expanduser() if chosen else default_data()


def _bearers(file: Path) -> list[Bearer]:
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
        return [
            Bearer(id=key_id, role=Role(one["role"]), area=one["area"], token=one["token"])
            for key_id, one in stored.items()
        ]
    except (OSError, ValueError, KeyError):
        return []


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def _checked(url: str | None) -> str | None:
    if url is None:
        return None
    if not url.startswith(("http://", "https://")):
        raise Trouble(
            f"{url!r} is no address of a service",
            why="it does not begin with http:// or https://",
            mend="write it like https://whistle.example.org",
            status=MISUSED,
        )
    return url.rstrip("/")
