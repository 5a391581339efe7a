"""Unit tests reach no network. What needs a local process says so by its marker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import pytest_socket

LOOPBACK = ["127.0.0.1", "::1", "localhost"]


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Refuse sockets; loopback and Unix sockets are for tests that start a local process."""
    if any(request.node.get_closest_marker(name) for name in ("spark", "postgres", "endpoint")):
        pytest_socket.socket_allow_hosts(LOOPBACK, allow_unix_socket=True)
    else:
        pytest_socket.disable_socket(allow_unix_socket=False)
    yield
    pytest_socket.enable_socket()
