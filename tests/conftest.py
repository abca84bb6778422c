"""Fixtures for every test, and the rule that unit and contract tests open no sockets."""

from pathlib import Path

import pytest
import pytest_socket

pytest_plugins = ("tests.platform",)

WITHOUT_SOCKETS = tuple(Path(__file__).parent / folder for folder in ("unit", "contract"))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Close the network for tests of decisions and of the catalogue; an event loop's own socket pair may stay."""
    if any(folder in item.path.parents for folder in WITHOUT_SOCKETS):
        pytest_socket.disable_socket(allow_unix_socket=True)


def pytest_runtest_teardown() -> None:
    """Open the network again for the next test."""
    pytest_socket.enable_socket()
