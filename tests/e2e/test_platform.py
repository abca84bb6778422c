"""The whole system as one thing: services that die come back, and an ordinary user can run it all."""

import os
import signal

import httpx
import pytest

from deploy.local.platform import Platform
from deploy.local.services import SERVICES
from tests.integration.local.person import become, ordinary_account, running, said, until_said
from tests.integration.local.processes import processes_naming
from tests.platform import data_folder


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_killed_by_hand_comes_back_ready_on_its_ports(system: Platform, service: str) -> None:
    starts, address = system.starts(service), system.ops_url(service)
    system.kill(service, signal.SIGKILL)
    system.await_ready(service)
    assert system.starts(service) == starts + 1
    assert system.ops_url(service) == address
    assert httpx.get(f"{address}/livez", timeout=10, trust_env=False).status_code == 200


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_stops_by_itself_when_asked_to(system: Platform, service: str) -> None:
    system.restart(service)
    assert any("going down" in line for line in (system.logs / f"{service}.log").read_text().splitlines()[-400:])


@pytest.mark.timeout(600)
def test_an_ordinary_user_can_run_the_whole_system() -> None:
    if os.geteuid() != 0:
        pytest.skip("the tests already run as an ordinary user")
    account = ordinary_account()
    by = become(account)
    with data_folder("everything") as data:
        os.chown(data, account.uid, account.gid)
        with running("deploy.local", "up", data=data, by=by) as process:
            until_said("Ctrl-C stops everything", process, data)
            process.send_signal(signal.SIGTERM)
            assert process.wait(120) == 0, said(data)
        assert processes_naming(str(data)) == []
