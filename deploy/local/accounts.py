"""The account PostgreSQL runs as when the platform is root, and what that account can reach.

PostgreSQL refuses to run as root. ``nobody`` exists on every Unix, so nothing is added to the system.
"""

import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An unprivileged account of this machine."""

    name: str
    uid: int
    gid: int


def unprivileged_account() -> Account | None:
    """Return the account to use instead of root; None when the platform does not run as root."""
    if os.geteuid() != 0:
        return None
    entry = pwd.getpwnam("nobody")
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)


def can_reach(account: Account, path: Path) -> bool:
    """True when ``account`` may pass every folder above ``path`` and read (a folder: enter) the path itself."""
    resolved = path.resolve()
    return all(_may(account, folder, stat.S_IXOTH) for folder in resolved.parents) and _may(
        account, resolved, stat.S_IXOTH if resolved.is_dir() else stat.S_IROTH
    )


def open_to_others(folder: Path) -> None:
    """Let every account pass ``folder``, not list it."""
    folder.chmod(folder.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def give(folder: Path, account: Account) -> None:
    """Make ``account`` the only one who may enter ``folder``."""
    os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)


def copy_for_all(source: Path, target: Path) -> None:
    """Copy a tree so that every account can read and run it; whole or not at all."""
    if target.exists():
        return
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    shutil.copytree(source, draft, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o055 if path.is_dir() or os.access(path, os.X_OK) else 0o044))
    try:
        draft.rename(target)
    except OSError:
        if not target.exists():
            raise
        shutil.rmtree(draft)


def _may(account: Account, path: Path, others_bit: int) -> bool:
    status = path.stat()
    if status.st_uid == account.uid:
        return bool(status.st_mode & (others_bit << 6))
    if status.st_gid == account.gid:
        return bool(status.st_mode & (others_bit << 3))
    return bool(status.st_mode & others_bit)
