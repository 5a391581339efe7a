"""Tests of the LocalStack extension, in the environment that has LocalStack (Python 3.13): `nox -s unit` runs them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_socket

from local_aws.engines.localstack import engine

_FILES = tempfile.TemporaryDirectory(prefix="localstack-tests-")
# LocalStack reads its settings when it is imported, and would use directories of the whole machine by itself.
engine.configure("127.0.0.1", 4566, "us-east-1", Path(_FILES.name))


@pytest.fixture(autouse=True)
def no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Refuse sockets, but for loopback where a test talks to a process of its own."""
    if request.node.get_closest_marker("endpoint"):
        pytest_socket.socket_allow_hosts(["127.0.0.1"], allow_unix_socket=True)
    else:
        pytest_socket.disable_socket()
    yield
    pytest_socket.enable_socket()
