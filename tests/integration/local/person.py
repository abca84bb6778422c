"""Run the local platform as a person does: in a process of its own, as this account or as an ordinary one."""

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.accounts import Account, can_reach
from deploy.local.places import default_cache
from deploy.local.services import ROOT
from tests.integration.local.processes import until

READY = "WHISTLE_TEST_"
READY_SECONDS = 180


@contextmanager
def running(module: str, *words: str, data: Path, by: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run ``python -m module words…`` on ``data``, its output in the file ``out`` there."""
    command = [*by, sys.executable, "-m", module, *words, "--data", str(data / "kept")]
    environment = {**os.environ, "HOME": str(data), "WHISTLE_CACHE": str(default_cache())}
    with (data / "out").open("w", encoding="utf-8") as out:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def said(data: Path) -> str:
    return (data / "out").read_text(encoding="utf-8")


def until_said(text: str, process: subprocess.Popen[str], data: Path) -> None:
    """Wait until ``text`` stands in the output; fail with the output when the process ends before."""
    until(lambda: text in said(data) or process.poll() is not None, f"it says {text!r}", seconds=READY_SECONDS)
    assert process.poll() is None, said(data)


def ordinary_account() -> Account:
    """Return the account ``nobody`` of this machine."""
    nobody = pwd.getpwnam("nobody")
    return Account(name="nobody", uid=nobody.pw_uid, gid=nobody.pw_gid)


def become(account: Account) -> list[str]:
    """Return the command that runs another as ``account``, which must not be able to write anything of root's.

    Where the Python of this machine lies in root's closed home, the account may read (and only read) past that.
    """
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        pytest.skip("setpriv (util-linux) is not there to become an ordinary user with")
    command = [setpriv, f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"]
    if not all(can_reach(account, needed) for needed in (ROOT, Path(sys.executable), default_cache())):
        command += ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode != 0:
            pytest.skip(f"the account {account.name} cannot reach Python, the project or the cache")
    return command
