"""Run a command that cannot outlive the process that started it.

Usage: ``python -I -S tether.py PARENT_PID DEATH_SIGNAL UID:GID|- COMMAND…``

A small program instead of a ``preexec_fn``, because the platform forks from threads, and Python code
between fork and exec can dead-lock there. On systems other than Linux nothing tells a child that its
parent was killed; there only the ordinary stop path cleans up.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def become(account: str) -> None:
    """Give up root for ``uid:gid``; ``-`` keeps the account."""
    if account == "-":
        return
    uid, gid = (int(part) for part in account.split(":"))
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def tie(parent: int, death_signal: int) -> None:
    """Ask the kernel to send ``death_signal`` when ``parent`` goes; leave at once if it is gone already.

    After :func:`become`: a change of account clears the request.
    """
    if not sys.platform.startswith("linux"):
        return
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) was refused")
    if os.getppid() != parent:
        raise SystemExit("the platform that asked for this process is gone")


def main(arguments: list[str]) -> None:
    parent, death_signal, account, *command = arguments
    become(account)
    tie(int(parent), int(death_signal))
    os.execvp(command[0], command)  # noqa: S606 - the command is the platform's own, there is no shell


if __name__ == "__main__":
    main(sys.argv[1:])
