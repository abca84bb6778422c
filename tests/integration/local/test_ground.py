"""A demo's folder is not emptied while a server runs on it."""

import subprocess
import sys

import pytest

from deploy.local.ground import Ground, prepare_ground
from deploy.local.processes import PartFailed
from tests.integration.local.processes import processes_naming, until
from tests.platform import data_folder


def test_a_folder_whose_server_still_runs_is_refused_whole_and_emptied_when_it_has_gone() -> None:
    with data_folder("ground") as data:
        ground = Ground(folder=data / "demo")
        prepare_ground(ground, print)
        tables = ground.folder / "postgres"
        tables.mkdir()
        command = [sys.executable, "-c", "input()", "-D", str(tables)]
        with subprocess.Popen(command, stdin=subprocess.PIPE) as server:
            until(lambda: processes_naming(str(tables)) != [], "the server runs")
            with pytest.raises(PartFailed, match=f"in use by a server, process {server.pid}"):
                prepare_ground(ground, print, patience=0.2)
            assert tables.is_dir()
            server.kill()
        assert not prepare_ground(ground, print)
        assert not tables.exists()
