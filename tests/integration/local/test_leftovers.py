"""However a platform ends, nothing of it stays: by Ctrl-C at any moment, by SIGTERM, by SIGKILL, as any account."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.local.accounts import Account, can_reach
from deploy.local.places import default_cache
from deploy.local.services import ROOT
from tests.integration.local.processes import processes_naming, until
from tests.platform import data_folder

READY = "WHISTLE_TEST_"


@contextmanager
def local(what: str, data: Path, *, by: Sequence[str] = ()) -> Iterator[subprocess.Popen[str]]:
    """Run ``python -m deploy.local`` as a person would, its output in ``out`` of the data folder."""
    command = [
        *by,
        sys.executable,
        "-m",
        "deploy.local",
        what,
        "--data",
        str(data / "kept"),
        "--cache",
        str(default_cache()),
    ]
    environment = {**os.environ, "HOME": str(data)}
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


def until_ready(process: subprocess.Popen[str], data: Path) -> None:
    until(lambda: READY in said(data) or process.poll() is not None, "the server is ready", seconds=120)
    assert process.poll() is None, said(data)


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


@pytest.mark.parametrize("signum", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
def test_a_stop_signal_stops_everything_and_is_no_failure(signum: signal.Signals) -> None:
    with data_folder("stop") as data, local("postgres", data) as process:
        until_ready(process, data)
        process.send_signal(signum)
        assert process.wait(60) == 0
        assert processes_naming(str(data)) == []


def test_ctrl_c_in_the_middle_of_the_start_leaves_nothing() -> None:
    with data_folder("early") as data, local("kafka", data) as process:
        until(lambda: any("kafka.Kafka" in line for line in processes_naming(str(data))), "the broker starts")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert processes_naming(str(data)) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child that its parent was killed")
@pytest.mark.parametrize("what", ("kafka", "postgres"))
def test_a_platform_killed_by_sigkill_takes_its_servers_with_it_and_starts_again(what: str) -> None:
    with data_folder("killed") as data:
        with local(what, data) as process:
            until_ready(process, data)
            process.kill()
            process.wait()
            until(lambda: processes_naming(str(data)) == [], "its servers are gone", seconds=30)
        with local(what, data) as process:
            until_ready(process, data)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


@pytest.mark.parametrize("what", ("kafka", "postgres"))
def test_an_ordinary_user_can_run_it(what: str) -> None:
    """As root by becoming ``nobody``; for anybody else every test of this folder shows it."""
    if os.geteuid() != 0:
        pytest.skip("the tests already run as an ordinary user")
    nobody = pwd.getpwnam("nobody")
    by = become(Account(name="nobody", uid=nobody.pw_uid, gid=nobody.pw_gid))
    with data_folder("ordinary") as data:
        os.chown(data, nobody.pw_uid, nobody.pw_gid)
        with local(what, data, by=by) as process:
            until_ready(process, data)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert processes_naming(str(data)) == []
