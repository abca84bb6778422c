"""Free TCP ports on the loopback address, and ports that stay the same from one start to the next."""

import json
import os
import random
import re
import socket
from collections.abc import Iterable, Mapping
from pathlib import Path

LOOPBACK = "127.0.0.1"

# Below the ephemeral range of every common system (Linux starts at 32768). A port out of that range could be
# taken by any outgoing connection while a killed broker is away, and a client that dials a closed port of its
# own range can even connect to itself.
SAFE_PORTS = range(20_000, 32_000)
PORTS = "WHISTLE_PORTS"
ATTEMPTS = 200


class NoFreePort(RuntimeError):  # noqa: N818  named for what happened
    """No free port was found after a bounded number of tries."""


def is_free(port: int) -> bool:
    """True when nothing listens on ``port`` of the loopback address or of all addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: ports in TIME_WAIT after a stop count as free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def usable_ports() -> range:
    """Return the ports of ``WHISTLE_PORTS`` (such as ``20000-21999``), else all safe ones.

    Of two systems that start at one moment both could choose a port that is free until the first listens.

    Raises:
        ValueError: when it names no ports, or others than safe ones.
    """
    text = os.environ.get(PORTS, "")
    found = re.fullmatch(r"(\d{5})-(\d{5})", text)
    ports = range(int(found[1]), int(found[2]) + 1) if found else SAFE_PORTS if not text else range(0)
    if not ports or ports[0] not in SAFE_PORTS or ports[-1] not in SAFE_PORTS:
        allowed = f"{SAFE_PORTS.start}-{SAFE_PORTS.stop - 1}"
        raise ValueError(f"{PORTS}: {text!r} is no range of ports within {allowed}, such as 20000-21999")
    return ports


def free_port(avoid: Iterable[int] = ()) -> int:
    """Return a free port that is not in ``avoid``.

    Raises:
        NoFreePort: when :data:`ATTEMPTS` random ports were all taken.
        ValueError: as ``usable_ports``.
    """
    taken, ports = frozenset(avoid), usable_ports()
    for _ in range(ATTEMPTS):
        port = random.choice(ports)
        if port not in taken and is_free(port):
            return port
    raise NoFreePort(f"no free port between {ports[0]} and {ports[-1]}")


def choose_ports(wanted: Mapping[str, int | None], remembered: Path) -> dict[str, int]:
    """Return a port for each name: the one of the last start, else the wanted one, else any free one.

    The choice is written to ``remembered`` so that a second start on the same data has the same addresses.
    """
    last = _read(remembered)
    chosen: dict[str, int] = {}
    for name, preferred in wanted.items():
        candidates = (port for port in (last.get(name), preferred) if port is not None)
        usable = (port for port in candidates if port not in chosen.values() and is_free(port))
        chosen[name] = next(usable, None) or free_port(chosen.values())
    remembered.write_text(json.dumps(chosen, indent=2), encoding="utf-8")
    return chosen


def _read(remembered: Path) -> dict[str, int]:
    try:
        stored = json.loads(remembered.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {name: port for name, port in stored.items() if isinstance(port, int)}
