"""The demo ends by itself with an account that adds up, and the next begins afresh and stops at Ctrl-C."""

import signal

import pytest

from tests.integration.local.person import running, said, until_said
from tests.integration.local.processes import processes_naming
from tests.platform import data_folder

SECONDS = 60
PLAY_SECONDS = 600


@pytest.mark.timeout(900)
def test_the_demo_adds_up_and_the_next_begins_afresh() -> None:
    with data_folder("demo") as data:
        with running("deploy.local.demo", "--seconds", str(SECONDS), data=data) as play:
            status = play.wait(PLAY_SECONDS)
            assert status == 0, said(data)[-4000:]
        told = said(data)
        assert "village → town → county → leader on duty" in told
        assert "县燃气公司签收" in told
        assert "it adds up" in told
        assert processes_naming(str(data)) == []

        with running("deploy.local.demo", data=data) as play:
            until_said("where to look", play, data)
            play.send_signal(signal.SIGINT)
            assert play.wait(120) == 0
        assert "begins afresh: removes what an earlier demo left" in said(data)
        assert "no process is left" in said(data)
        assert processes_naming(str(data)) == []
