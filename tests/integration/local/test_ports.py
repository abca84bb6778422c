"""Ports: free, remembered, never two of the same."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.local.ports import LOOPBACK, PORTS, SAFE_PORTS, NoFreePort, choose_ports, free_port, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((LOOPBACK, free_port())) as server:
        yield server.getsockname()[1]


def test_a_port_that_somebody_listens_on_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_a_wanted_port_that_is_taken_gives_way_to_a_free_one(taken: int, tmp_path: Path) -> None:
    chosen = choose_ports({"intake.http": taken}, tmp_path / "ports.json")["intake.http"]
    assert chosen != taken
    assert chosen in SAFE_PORTS


def test_the_next_start_has_the_same_ports_even_when_the_wanted_one_is_free_again(tmp_path: Path) -> None:
    wanted = free_port()
    with socket.create_server((LOOPBACK, wanted)):
        first = choose_ports({"a": wanted, "b": None}, tmp_path / "ports.json")
    assert choose_ports({"a": wanted, "b": None}, tmp_path / "ports.json") == first


def test_no_two_parts_get_one_port(tmp_path: Path) -> None:
    wanted = free_port()
    chosen = choose_ports({"a": wanted, "b": wanted, "c": None}, tmp_path / "ports.json")
    assert len(set(chosen.values())) == 3


def test_a_broken_memory_of_ports_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / "ports.json").write_text("{broken", encoding="utf-8")
    assert choose_ports({"a": None}, tmp_path / "ports.json")["a"] in SAFE_PORTS


def test_who_starts_several_systems_at_once_gives_each_ports_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PORTS, "30000-30001")
    assert {free_port() for _ in range(20)} <= {30000, 30001}
    with pytest.raises(NoFreePort, match="between 30000 and 30001"):
        free_port(avoid=(30000, 30001))


def test_no_word_on_ports_means_all_that_are_safe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PORTS, "")
    assert free_port() in SAFE_PORTS


@pytest.mark.parametrize("ports", (" ", "some", "30000", "30001-30000", "80-30000", "31000-40000"))
def test_ports_that_are_none_or_not_safe_are_refused_with_what_is_allowed(
    ports: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PORTS, ports)
    with pytest.raises(ValueError, match=r"WHISTLE_PORTS: .* within 20000-31999"):
        free_port()
