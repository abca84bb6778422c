"""The ground of a play: a folder for topics, tables and photos that is made, marked and emptied by nobody else."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import psutil

from deploy.local.processes import DEPARTURE_SECONDS, PartFailed, await_departure

MARK: Final = "made-by-whistle-demo"
"""The file that says: a demo made this folder, and a demo may empty it."""
MARK_TEXT: Final = "The next demo removes everything in this folder.\n"
FOLDER_MODE: Final = 0o711
"""Passable but not listable: PostgreSQL's own account must reach its folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Where a play keeps its topics, tables and photos; ``keep`` leaves what an earlier one left there."""

    folder: Path
    keep: bool = False


def prepare_ground(ground: Ground, say: Callable[[str], None], *, patience: float = DEPARTURE_SECONDS) -> bool:
    """Make the folder ready and return whether it holds an earlier play; call it under the lock of the data folder.

    What an earlier play left is removed, unless it is to be kept; only from a folder that bears :data:`MARK`.

    Raises:
        PartFailed: when the folder is not of a demo's making, or servers still run on it after ``patience`` seconds.
    """
    folder = ground.folder
    _check_ours(folder)
    folder.mkdir(exist_ok=True)
    folder.chmod(FOLDER_MODE)
    (folder / MARK).write_text(MARK_TEXT, encoding="utf-8")
    left = [one for one in folder.iterdir() if one.name != MARK]
    if not left:
        return False
    if ground.keep:
        say(f"goes on with what an earlier demo left in {folder}")
        return True
    await_departure(
        partial(_server_on, folder),
        part="platform",
        why=lambda pid: f"{folder} is in use by a server, process {pid}; stop it first",
        patience=patience,
    )
    say(f"begins afresh: removes what an earlier demo left in {folder} (--keep goes on with it)")
    for one in left:
        _remove(one)
    return False


def _check_ours(folder: Path) -> None:
    """Refuse anything but a marked folder, an empty one (a start was cut short before its mark) and none at all."""
    if not folder.is_symlink():
        if not folder.exists() or (folder.is_dir() and _is_marked(folder)):
            return
        if folder.is_dir() and not any(folder.iterdir()):
            return
    why = f"{folder} was not made by a demo and is left alone; move it away, or choose another folder with --data"
    raise PartFailed("platform", why)


def _is_marked(folder: Path) -> bool:
    mark = folder / MARK
    return mark.is_file() and not mark.is_symlink()


def _remove(path: Path) -> None:
    """Remove ``path`` itself, never what a link points to. The mark stays, so a removal cut short goes on."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _server_on(folder: Path) -> int | None:
    """Return the process whose command names a file or folder of ``folder``, as Kafka's and PostgreSQL's do."""
    inside = f"{folder}{os.sep}"
    for process in psutil.process_iter(["cmdline"]):
        if any(word.startswith(inside) for word in process.info["cmdline"] or ()):
            return int(process.pid)
    return None
