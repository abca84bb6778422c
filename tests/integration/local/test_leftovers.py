"""However a platform ends, nothing of it stays: by Ctrl-C at any moment, by SIGTERM, by SIGKILL, as any account."""

import os
import signal
import sys

import pytest

from tests.integration.local.person import READY, become, ordinary_account, running, until_said
from tests.integration.local.processes import processes_naming, until
from tests.platform import data_folder


@pytest.mark.parametrize("signum", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP))
def test_a_stop_signal_stops_everything_and_is_no_failure(signum: signal.Signals) -> None:
    with data_folder("stop") as data, running("deploy.local", "postgres", data=data) as process:
        until_said(READY, process, data)
        process.send_signal(signum)
        assert process.wait(60) == 0
        assert processes_naming(str(data)) == []


def test_ctrl_c_in_the_middle_of_the_start_leaves_nothing() -> None:
    with data_folder("early") as data, running("deploy.local", "kafka", data=data) as process:
        until(lambda: any("kafka.Kafka" in line for line in processes_naming(str(data))), "the broker starts")
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert processes_naming(str(data)) == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux tells a child that its parent was killed")
@pytest.mark.parametrize("what", ("kafka", "postgres"))
def test_a_platform_killed_by_sigkill_takes_its_servers_with_it_and_starts_again(what: str) -> None:
    with data_folder("killed") as data:
        with running("deploy.local", what, data=data) as process:
            until_said(READY, process, data)
            process.kill()
            process.wait()
            until(lambda: processes_naming(str(data)) == [], "its servers are gone", seconds=30)
        with running("deploy.local", what, data=data) as process:
            until_said(READY, process, data)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0


@pytest.mark.parametrize("what", ("kafka", "postgres"))
def test_an_ordinary_user_can_run_it(what: str) -> None:
    """As root by becoming ``nobody``; for anybody else every test of this folder shows it."""
    if os.geteuid() != 0:
        pytest.skip("the tests already run as an ordinary user")
    account = ordinary_account()
    by = become(account)
    with data_folder("ordinary") as data:
        os.chown(data, account.uid, account.gid)
        with running("deploy.local", what, data=data, by=by) as process:
            until_said(READY, process, data)
            process.send_signal(signal.SIGTERM)
            assert process.wait(60) == 0
        assert processes_naming(str(data)) == []
